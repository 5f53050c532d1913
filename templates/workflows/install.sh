set -euo pipefail
for python in python3.11 python3.12 python3.13 python3 python; do
    "$python" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break
done
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$REQUIREMENTS"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
if [ -n "${GITHUB_PATH:-}" ]; then echo "$PWD/.venv/bin" >>"$GITHUB_PATH"; fi
