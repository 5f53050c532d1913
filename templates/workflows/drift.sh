set -euo pipefail
mkdir -p found
code=0
slipway review "$STACK" --format markdown >"found/$STACK.md" || code=$?
case "$code" in
    0 | 2) ;;
    *) exit "$code" ;;
esac
cat "found/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
