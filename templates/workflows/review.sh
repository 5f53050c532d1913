set -euo pipefail
mkdir -p review
code=0
slipway review "$STACK" --format markdown >"review/$STACK.md" || code=$?
# A command that is used wrongly ends with 2 as well, and says nothing here.
if [ "$code" = 2 ] && [ ! -s "review/$STACK.md" ]; then code=1; fi
case "$code" in
    0 | 2) ;;
    *)
        printf '**%s could not be reviewed**: slipway review ended with %s; see [the run](%s).\n' \
            "$STACK" "$code" "$RUN" >"review/$STACK.md"
        exit "$code"
        ;;
esac
cat "review/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
