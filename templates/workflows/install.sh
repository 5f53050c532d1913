set -euo pipefail
for python in python3.11 python3.12 python3.13 python3 python; do
    "$python" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break
done
"$python" -m venv .venv
awk '/^[a-z]/ {on = /^uv==/} on' "$REQUIREMENTS" >.venv/uv.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
.venv/bin/uv pip sync --python .venv/bin/python --quiet --require-hashes "$REQUIREMENTS"
.venv/bin/uv pip install --python .venv/bin/python --quiet --no-deps --no-build-isolation --editable .
if [ -n "${GITHUB_PATH:-}" ]; then echo "$PWD/.venv/bin" >>"$GITHUB_PATH"; fi
