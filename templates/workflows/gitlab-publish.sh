set -eu
docker buildx create --use
docker buildx build --file "$DOCKERFILE" --provenance mode=max --sbom true --push \
    --tag "$REPOSITORY:$CI_COMMIT_SHA" --metadata-file build.json .
digest=$(sed -n 's/.*"containerimage.digest": "\(sha256:[0-9a-f]\{64\}\)".*/\1/p' build.json)
[ -n "$digest" ] || { echo "the registry named no digest: $(cat build.json)" >&2; exit 1; }
echo "IMAGE=$REPOSITORY@$digest" | tee image.env
