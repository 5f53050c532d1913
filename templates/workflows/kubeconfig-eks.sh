set -euo pipefail
if [ -n "$KUBECONFIG_FILE" ]; then
    export KUBECONFIG="${KUBECONFIG_FILE/#\~/$HOME}"
    if [ -n "${GITHUB_ENV:-}" ]; then echo "KUBECONFIG=$KUBECONFIG" >>"$GITHUB_ENV"; fi
fi
aws eks update-kubeconfig --region "$REGION" --name "$CLUSTER" --alias "$CONTEXT"
