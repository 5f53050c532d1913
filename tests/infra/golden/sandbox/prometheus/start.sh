#!/bin/sh
# Rendered by slipway: start.sh FOLDER COMMAND… Runs the command and has it read its configuration again
# whenever a file of the folder differs.
# Kubernetes brings a changed ConfigMap into the pod by itself; nothing else would tell the program.
set -eu
readonly config=$1
shift
readonly seconds=5
state() { cat "$config"/* | cksum; }
watch_files() {
    last=$(state)
    while sleep "$seconds"; do
        now=$(state) || continue
        if [ "$now" != "$last" ]; then
            last=$now
            printf 'start: the configuration differs: reading it again\n' >&2
            kill -HUP "$1" || exit 0
        fi
    done
}

"$@" &
readonly pid=$!
trap 'kill -TERM "$pid"' TERM INT
watch_files "$pid" &
readonly watcher=$!
while :; do
    wait "$pid" && code=0 || code=$?
    kill -0 "$pid" 2>/dev/null || break  # a signal to this shell ends wait, too
done
kill "$watcher" 2>/dev/null || :
exit "$code"
