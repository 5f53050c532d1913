set -euo pipefail
file="stacks/Pulumi.$STACK.yaml"
fail() {
    echo "$file: $1" >&2
    echo "  → $2" >&2
    exit 1
}
by_hand="copy slipway:released from the artifact's Pulumi.$STACK.yaml into $file, and commit that"
if [ ! -s "released/Pulumi.$STACK.yaml" ] || [ ! -s released/commit ]; then
    fail "the release's job kept nothing: it did not begin, or was killed" \
        "see slipway releases $STACK; where slipway:released says otherwise, write it there and commit"
fi
# For this script's own git alone: on no command line, and in no file.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$REMOTE.extraHeader" GIT_TERMINAL_PROMPT=0
GIT_CONFIG_VALUE_0="Authorization: Basic $(printf %s "$PUSHER:$TOKEN" | base64 | tr -d '\n')"
export GIT_CONFIG_VALUE_0
export GIT_AUTHOR_NAME="$BOT" GIT_AUTHOR_EMAIL="$EMAIL" GIT_COMMITTER_NAME="$BOT" GIT_COMMITTER_EMAIL="$EMAIL"
get() {
    git fetch --quiet --depth 1 "$REMOTE" "$1" || fail "$REMOTE gives no $1" "run this job again; or $by_hand"
    git checkout --quiet --force --detach FETCH_HEAD
}
# On the commit that the release ran from, so that git keeps what others changed since.
get "$(cat released/commit)"
cp "released/Pulumi.$STACK.yaml" "$file"
git add -- "$file"
if git diff --cached --quiet; then
    echo "$file: as it was, nothing to record"
    exit 0
fi
git commit --quiet --no-verify --message "Record release: $STACK"
record=$(git rev-parse HEAD)
for _ in 1 2 3 4 5; do
    get "refs/heads/$BRANCH"
    tip=$(git rev-parse HEAD)
    git rebase --quiet --onto "$tip" "$record^" "$record" || {
        git rebase --abort
        fail "$BRANCH has changed the same lines meanwhile" "$by_hand"
    }
    if [ "$(git rev-parse HEAD)" = "$tip" ]; then
        echo "$file: $BRANCH says so already"
        exit 0
    fi
    if git push --quiet "$REMOTE" "HEAD:refs/heads/$BRANCH"; then
        echo "$file: recorded on $BRANCH by $(git rev-parse HEAD)"
        exit 0
    fi
    # A branch that stands where it stood has refused; one that moved on is tried again.
    get "refs/heads/$BRANCH"
    [ "$(git rev-parse HEAD)" != "$tip" ] || fail "$BRANCH refuses the push" \
        "let this job push to it (docs/pipelines.md), and run it again; or $by_hand"
done
fail "$BRANCH moved on five times meanwhile" "run this job again; or $by_hand"
