set -euo pipefail
mkdir -p found
code=0
slipway review "$STACK" --format markdown >"found/$STACK.md" || code=$?
# A command that is used wrongly ends with 2 as well, and says nothing here.
if [ "$code" = 2 ] && [ ! -s "found/$STACK.md" ]; then code=1; fi
case "$code" in
    0 | 2) ;;
    *) exit "$code" ;;
esac
cat "found/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
