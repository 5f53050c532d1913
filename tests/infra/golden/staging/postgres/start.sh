#!/usr/bin/env bash
# Rendered by slipway. Prepares the data folder and the roles, then becomes PostgreSQL. Runs at every start.
set -euo pipefail
umask 077

readonly data=/var/lib/postgresql/volume/data
readonly fresh=/var/lib/postgresql/volume/data.new
readonly config=/etc/slipway/postgres
readonly private=/tmp
readonly bin=/usr/lib/postgresql/15/bin
log() { printf 'start: %s\n' "$*" >&2; }
stop() {
    [ ! -e "$data/postmaster.pid" ] || "$bin/pg_ctl" --pgdata="$data" --mode=fast --wait stop >&2 || true
    exit 143
}
trap stop TERM INT

# The file's lock is inherited by PostgreSQL and every process of it. After a forced deletion a new pod begins
# while the old one still writes, and PostgreSQL's own check does not see into another container.
exec 9>"/var/lib/postgresql/volume/lock"
if ! flock --nonblock 9; then
    log "another PostgreSQL still uses the volume; waiting for its end"
    flock 9 &
    wait "$!"
fi

# An initdb that was cut short leaves only data.new, which never counts.
if [ ! -e "$data" ] && [ -e "$data.previous" ]; then
    log "a restore was cut short between two renames; nothing was touched: run slipway restore again"
    exit 1
fi
if [ ! -e "$data" ]; then
    log "making a new database cluster"
    rm -rf -- "$fresh"
    "$bin/initdb" --pgdata="$fresh" --username=postgres --auth-local=peer --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --data-checksums >&2
    mv -- "$fresh" "$data"
    sync -- "${data%/*}"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    log "$data exists but is no database cluster; nothing was touched"
    exit 1
fi
version=$(<"$data/PG_VERSION")
if [ "$version" != "15" ]; then
    log "the data are of PostgreSQL $version, and this image is 15; nothing was touched"
    exit 1
fi
chmod 0700 "$data"  # a recursive fsGroup change makes it group-writable, which PostgreSQL refuses

# Roles first, on a socket of its own: nobody comes in, and no probe succeeds, before passwords are in force.
log "ensuring roles and database"
"$bin/pg_ctl" --pgdata="$data" --wait --timeout=600 start --options="\
    --config-file=$config/postgresql.conf -c listen_addresses= -c unix_socket_directories=$private \
    -c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1" >&2 &
wait "$!"  # only `wait` lets the trap run at once
"$bin/psql" --host="$private" --username=postgres --dbname=postgres --no-psqlrc --quiet --no-password \
    --set=ON_ERROR_STOP=1 --file="$config/roles.sql" >&2
"$bin/pg_ctl" --pgdata="$data" --mode=fast --wait --silent stop >&2
trap - TERM INT

log "starting"
exec "$bin/postgres" --config-file="$config/postgresql.conf"
