set -euo pipefail
mkdir -p review
read -ra names <<<"$ACKNOWLEDGE"
given=()
for name in "${names[@]}"; do given+=(--acknowledge "$name"); done
code=0
slipway review "$STACK" "${given[@]}" --save --format json >"review/$STACK.json" || code=$?
slipway review "$STACK" "${given[@]}" --format markdown >"review/$STACK.md" || [ "$?" = "$code" ]
cat "review/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
if [ "$code" = 2 ]; then
    echo "$STACK: the review asks for an acknowledgement, and nothing is applied" >&2
    echo "  → read it, then start this by hand with the names of what may go" >&2
fi
[ "$code" = 0 ] || exit "$code"
digest=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["digest"] or "")' <"review/$STACK.json")
echo "DIGEST=$digest" >>"${GITHUB_OUTPUT:-plan.env}"
