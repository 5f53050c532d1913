set -euo pipefail
(umask 077 && printf %s "$CLOUD_TOKEN" >"$AWS_WEB_IDENTITY_TOKEN_FILE")
