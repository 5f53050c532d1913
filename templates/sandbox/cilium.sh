#!/bin/sh
# cilium.sh RUN COMMAND… Becomes the agent, in the mount namespace that `unshare` has just made for it.
set -eu
readonly run=$1
shift
# Sockets and notes at fixed places: each cluster of the machine has its own. Not so what the plugin, which runs
# outside, notes of pods that went while no agent ran.
mkdir -p /var/run/cilium/deleteQueue "$run/state/deleteQueue"
mount --bind /var/run/cilium/deleteQueue "$run/state/deleteQueue"
mount --rbind "$run/state" /var/run/cilium
# The agent locks unprivileged BPF until the next boot and stops timers from moving. Both are the machine's own
# affair: what it writes there is seen by nobody.
for name in unprivileged_bpf_disabled timer_migration; do
    if [ -e "/proc/sys/kernel/$name" ]; then
        cat "/proc/sys/kernel/$name" >"$run/$name"
        mount --bind "$run/$name" "/proc/sys/kernel/$name"
    fi
done
# A kernel without modules has no list of them, and the agent wants to read one.
if [ ! -e /proc/modules ]; then
    mount --rbind /proc "$run/proc"
    mount -t tmpfs -o mode=755,size=1m slipway /proc
    for entry in "$run"/proc/[!0-9]*; do
        ln -s "$entry" "/proc/${entry##*/}"
    done
    ln -s "$run/proc/1" /proc/1
    ln -s "$run/proc/$$" "/proc/$$"
    : >/proc/modules
fi
exec "$@"
