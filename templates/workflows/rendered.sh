set -euo pipefail
read -ra names <<<"$STACKS"
slipway pipelines render --check -- "${names[@]}"
