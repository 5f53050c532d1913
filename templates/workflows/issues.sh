set -euo pipefail
for file in found/*.md; do
    stack=$(basename "$file" .md)
    python3 -m infra.forge issue "$ABOUT:$stack" "$TITLE $stack" "$file"
done
