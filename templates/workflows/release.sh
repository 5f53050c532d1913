set -euo pipefail
case "$ACTION" in
    release)
        [[ $IMAGE =~ ^[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}$ ]] || {
            echo "image: '$IMAGE' names no digest" >&2
            echo "  → take the one that the build's summary names: registry/repository@sha256:…" >&2
            exit 1
        }
        slipway release "$STACK" --image "$IMAGE"
        ;;
    rollback)
        [[ $TO =~ ^[0-9]*$ ]] || { echo "to: '$TO' is no number of slipway releases $STACK" >&2; exit 1; }
        slipway rollback "$STACK" ${TO:+--to "$TO"}
        ;;
    *)
        echo "action: '$ACTION' is neither release nor rollback" >&2
        exit 1
        ;;
esac
