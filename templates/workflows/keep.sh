set -euo pipefail
mkdir -p released
cp "stacks/Pulumi.$STACK.yaml" released/
git rev-parse HEAD >released/commit
