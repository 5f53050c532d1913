set -euo pipefail
if [ -z "$DIGEST" ]; then echo "$STACK: nothing changes"; exit 0; fi
if [ "$ACKNOWLEDGE" = true ] && [ "$APPROVALS" = 0 ]; then
    echo "$STACK: the review asks for an acknowledgement, and nobody approves here" >&2
    echo "  → read it, then: slipway apply $STACK --reviewed $DIGEST; or set pipelines.approvals: 1" >&2
    exit 1
fi
slipway apply "$STACK" --reviewed "$DIGEST"
