set -eu
docker build --file "$DOCKERFILE" .
