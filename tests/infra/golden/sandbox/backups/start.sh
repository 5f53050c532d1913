#!/usr/bin/env bash
# Rendered by slipway. Prepares users, bucket and policy, then becomes the object store. Runs at every start.
set -euo pipefail
umask 077

readonly data=/data
readonly secrets=/run/slipway/store
readonly private=127.0.0.1:7071
log() { printf 'start: %s\n' "$*" >&2; }

# The file's lock is inherited by the store. After a forced deletion a new pod begins while the old one still
# writes to the same volume.
exec 9>"$data/lock"
if ! flock --nonblock 9; then
    log "another store still uses the volume; waiting for its end"
    flock 9 &
    wait "$!"
fi

mkdir -p -- "$data/objects" "$data/versions" "$data/users"
# The users are made anew at every start: a rotated key counts at once, and nobody else has a key.
rm -f -- "$data/users/users.json.backup"
install -m 0600 -- "$secrets/users.json" "$data/users/users.json.new"
mv -- "$data/users/users.json.new" "$data/users/users.json"
ROOT_ACCESS_KEY=root
ROOT_SECRET_KEY=$(<"$secrets/root-secret")
export ROOT_ACCESS_KEY ROOT_SECRET_KEY
# `exec`, so that a signal reaches the store itself and not a shell around it.
serve() { exec versitygw --region us-east-1 --iam-dir "$data/users" --quiet "$@" \
    posix --versioning-dir "$data/versions" "$data/objects"; }

# Bucket and policy first, on an address of its own: nobody comes in before the policy is in force.
log "preparing the bucket backups"
serve --port "$private" >&2 &
readonly preparing=$!
trap 'kill "$preparing" 2>/dev/null; exit 143' TERM INT
AWS_ACCESS_KEY_ID=$ROOT_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$ROOT_SECRET_KEY AWS_REGION=us-east-1 \
    python3 -m infra.backups.prepare --endpoint "http://$private" --bucket backups \
    --policy /etc/slipway/store/policy.json --lock-days 0 --lock-mode COMPLIANCE \
    --seconds 60 >&2 &
wait "$!"
kill "$preparing"
wait "$preparing" || true
trap - TERM INT

log "starting"
serve --port :7070 --health /health --cert "$secrets/tls.crt" --key "$secrets/tls.key"
