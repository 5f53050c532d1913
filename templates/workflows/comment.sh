set -euo pipefail
python3 -m infra.forge comment review review/*.md
