#!/bin/sh
# Stands in for `docker`: no containers, and one image that every name leads to.
# DEVCTL_STUB_IMAGE is the file with its description, DEVCTL_STUB_LOG gets the names that were asked for.
case "$1" in
ps) ;;
inspect)
    for name; do :; done
    printf '%s\n' "$name" >>"$DEVCTL_STUB_LOG"
    cat "$DEVCTL_STUB_IMAGE"
    ;;
*)
    echo "stub engine: no such command: $*" >&2
    exit 1
    ;;
esac
