#!/usr/bin/env bash
# The protobuf example, from the first event to a state out of a snapshot and the events behind it: protobuf_example.sh PROGRAM
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
sensor() { "$1" "$directory/store" "${@:2}"; }

sensor "$1" install attic
for millikelvin in 293150 301000 -40 295000; do sensor "$1" measure "$millikelvin"; done
shown=$(sensor "$1" show)
[[ $shown == "attic: 4 measurements, at most 301000 mK" ]] || { echo "found: $shown"; exit 1; }
if sensor "$1" install cellar 2>/dev/null; then echo "a second installation was not refused"; exit 1; fi
