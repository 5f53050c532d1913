set -euo pipefail
mkdir -p review
code=0
slipway review "$STACK" --save --format json >"review/$STACK.json" || code=$?
case "$code" in
    0) acknowledge=false ;;
    2) acknowledge=true ;;
    *) exit "$code" ;;
esac
slipway review "$STACK" --format markdown >"review/$STACK.md" || [ "$?" = 2 ]
digest=$(python3 -c 'import json, sys; print(json.load(sys.stdin).get("digest") or "")' <"review/$STACK.json")
if [ ! -s "review/$STACK.md" ]; then digest=""; fi
printf 'DIGEST=%s\nACKNOWLEDGE=%s\n' "$digest" "$acknowledge" >>"${GITHUB_OUTPUT:-plan.env}"
cat "review/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
