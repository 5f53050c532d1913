set -euo pipefail
if [ -z "${DIGEST:-}" ]; then
    echo "$STACK: nothing changes"
    exit 0
fi
slipway apply "$STACK" --reviewed "$DIGEST"
