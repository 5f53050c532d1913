set -euo pipefail
aws eks update-kubeconfig --region "$REGION" --name "$CLUSTER" --alias "$CONTEXT"
