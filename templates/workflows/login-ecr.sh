set -euo pipefail
aws ecr get-login-password --region "$REGION" | docker login "$HOST" --username AWS --password-stdin
