set -euo pipefail
git fetch --quiet --depth 1 origin "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
git checkout --quiet FETCH_HEAD -- infra
