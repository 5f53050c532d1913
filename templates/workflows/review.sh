set -euo pipefail
mkdir -p review
code=0
slipway review "$STACK" --format markdown >"review/$STACK.md" || code=$?
case "$code" in
    0 | 2) ;;
    *)
        printf '**%s could not be reviewed**: slipway review ended with %s; see [the run](%s).\n' \
            "$STACK" "$code" "$RUN" >"review/$STACK.md"
        exit "$code"
        ;;
esac
cat "review/$STACK.md" >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
