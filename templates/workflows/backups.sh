set -euo pipefail
mkdir -p found
: >"found/$STACK.md"
for verb in status verify; do
    code=0
    slipway backup "$verb" "$STACK" >"said.txt" 2>&1 || code=$?
    cat said.txt
    if [ "$code" != 0 ]; then
        { printf 'slipway backup %s %s ended with %s:\n\n' "$verb" "$STACK" "$code"; sed 's/^/    /' said.txt; echo; } \
            >>"found/$STACK.md"
    fi
done
[ ! -s "found/$STACK.md" ]
