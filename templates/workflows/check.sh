set -euo pipefail
ruff check .
ruff format --check .
