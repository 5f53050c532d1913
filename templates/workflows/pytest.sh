set -euo pipefail
read -ra selected <<<"$SELECTION"
pytest -m "not own_servers and not soak" -- "${selected[@]}"
