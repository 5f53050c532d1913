set -eu
docker run --rm --volume "$DOCKER_CONFIG:/config:ro" --env DOCKER_CONFIG=/config \
    "$SCANNER" "registry:$IMAGE" --only-fixed --fail-on high
