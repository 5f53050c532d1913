set -euo pipefail
[[ $DIGEST =~ ^sha256:[0-9a-f]{64}$ ]] || { echo "the registry named no digest: '$DIGEST'" >&2; exit 1; }
image="$REPOSITORY@$DIGEST"
echo "image=$image" >>"$GITHUB_OUTPUT"
printf 'Release it with the workflow "slipway release":\n\n    %s\n' "$image" >>"$GITHUB_STEP_SUMMARY"
