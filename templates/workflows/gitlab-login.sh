set -eu
export DOCKER_CONFIG="$CI_PROJECT_DIR/.docker"
printf %s "$CI_REGISTRY_PASSWORD" | docker login "$HOST" --username "$CI_REGISTRY_USER" --password-stdin
