#!/usr/bin/env bash
# Checks publish.pml with Spin: every interleaving of two appenders, within one segment and across segments; and that
# each of its mutants fails. Usage: spin.sh (in any folder; works in a temporary one)
set -euo pipefail

model=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/publish.pml
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

# search <definitions>...: its report in ./report
search() {
  spin -a "$@" "$model" >generated || { cat generated; exit 1; }
  # Spin's own code is not made for our warnings.
  gcc -w -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=1024 -o pan pan.c
  ./pan -m100000 -w24 >report 2>&1 || { cat report; exit 1; }
}

states() { awk '/states, stored/ { print $1 }' report; }

holds() {
  search "$@"
  grep -q 'errors: 0' report || { cat report; echo "spin.sh: $* does not hold"; exit 1; }
  ! grep -q 'Search not completed' report || { cat report; echo "spin.sh: $* was cut short"; exit 1; }
  echo "holds:  $* ($(states) states)"
}

# Caught by an assertion, and not for want of memory or depth.
fails() {
  search "$@"
  grep -q 'assertion violated' report || { cat report; echo "spin.sh: the mutant survived: $*"; exit 1; }
  echo "caught: $* ($(states) states)"
}

holds -DT=2 -DR=2 -DSTREAMS=2
holds -DT=2 -DR=1 -DSTREAMS=1
fails -DT=2 -DR=2 -DFIELD_FIRST
fails -DT=3 -DR=3 -DNO_RECHECK
fails -DT=2 -DR=2 -DRECORD_LATE
fails -DT=3 -DR=1 -DSTREAMS=1 -DTAIL_FIRST
