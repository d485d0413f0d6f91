#!/usr/bin/env bash
# Runs an example on a store of its own: run_fresh.sh PROGRAM ARGUMENT...
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" "$directory/store" "${@:2}"
