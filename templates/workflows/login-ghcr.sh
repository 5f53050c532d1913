set -euo pipefail
docker login "$HOST" --username "$GITHUB_ACTOR" --password-stdin <<<"$TOKEN"
