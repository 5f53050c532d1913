set -euo pipefail
docker login "$HOST" --username oauth2accesstoken --password-stdin <<<"$TOKEN"
