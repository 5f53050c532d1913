set -euo pipefail
git fetch --quiet --depth 1 origin "$CI_COMMIT_BRANCH"
git checkout --quiet --force FETCH_HEAD
