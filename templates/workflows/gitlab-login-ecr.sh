set -eu
export DOCKER_CONFIG="$CI_PROJECT_DIR/.docker"
apk add --no-cache --quiet aws-cli
(umask 077 && printf %s "$CLOUD_TOKEN" >"$AWS_WEB_IDENTITY_TOKEN_FILE")
aws ecr get-login-password --region "$AWS_REGION" >password
docker login "$HOST" --username AWS --password-stdin <password
rm password
