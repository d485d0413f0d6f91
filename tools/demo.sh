#!/usr/bin/env bash
# The main job on real input, start to end: a git history becomes events, the import is killed half-way, the store is
# opened again, the import goes on where the log ended, everything is replayed, and the lines of every file are compared
# with the file itself. Any difference ends it with a message and a status that is not 0.
#
#   tools/demo.sh PROGRAM [REPOSITORY | sample]
#
# PROGRAM is the binary `daybook`; `git_input` and `example_git_history` are looked for beside it and in ../examples.
# REPOSITORY: any git repository; default: the one that this file is in, or the sample in tests/data when that has no
# history to speak of. The store is left in ../demo, as seen from PROGRAM, or in $DAYBOOK_DEMO_DIR.
set -euo pipefail

readonly EVENTS_MIN=200        # fewer than that are no demonstration
readonly COMMITS_MAX=3000      # git needs longer to print more than a demonstration may take
readonly SYNCS_MAX=4000        # of the import that is killed: half of that on a slow disk is still seconds
readonly ATTEMPTS_MAX=5

say() { printf '\n== %s\n' "$*"; }
die() {
  printf '\ndemo: FAILED: %s\n' "$*" >&2
  exit 1
}

[[ $# -ge 1 && $# -le 2 && -x $1 ]] || {
  sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(cd "$(dirname "$1")" && pwd)
daybook=$bin/$(basename "$1")
repository=${2:-}
git_input=$bin/git_input
fold=$bin/example_git_history
[[ -x $fold ]] || fold=$bin/../examples/example_git_history
for program in "$git_input" "$fold"; do
  [[ -x $program ]] || die "$program is missing: build the target demo_programs"
done

work=${DAYBOOK_DEMO_DIR:-$(cd "$bin/.." && pwd)/demo}
store=$work/store
if [[ -e $work ]]; then
  [[ -e $work/.daybook-demo ]] || die "$work is there, and not from an earlier demo"
  rm -rf "$work"
fi
mkdir -p "$work"
: >"$work/.daybook-demo"

importer=
cleanup() {
  if [[ -n $importer ]]; then kill -9 "$importer" 2>/dev/null || true; fi
}
trap cleanup EXIT

# --- input -----------------------------------------------------------------------------------------------------------

# Sums are exact only with every change of the first-parent line, the first one included, whatever the user's own
# configuration of git says: so it is said here.
git_log() {
  git -C "$1" -c log.showRoot=true -c core.quotePath=false log --first-parent --reverse --diff-merges=first-parent \
    --numstat -z --no-renames --no-relative --no-ext-diff --no-textconv --no-color --no-show-signature \
    --ignore-submodules=none --format='tformat:%x01%H%x09%ct%x09%aN' "$2"
}

# Makes events.jsonl and truth.tsv from a repository.
take_repository() {
  local head
  head=$(git -C "$1" rev-parse --verify --quiet 'HEAD^{commit}') || return 1
  local commits
  commits=$(git -C "$1" rev-list --count --first-parent "$head")
  if ((commits > COMMITS_MAX)); then
    # The oldest ones: a history must begin at its beginning for sums to be lines.
    head=$(git -C "$1" rev-list --first-parent "$head" | tail -n "$COMMITS_MAX" | sed -n 1p)
    printf 'its %s commits are too many here: the first %s\n' "$commits" "$COMMITS_MAX"
  fi
  git_log "$1" "$head" >"$work/log"
  git -C "$1" ls-tree -r -z --full-tree "$head" >"$work/tree"
  git -C "$1" -c core.quotePath=true ls-tree -r --full-tree "$head" | awk '$2 == "blob" { print $3 }' |
    git -C "$1" cat-file --batch --buffer >"$work/blobs"
  "$git_input" events "$work/log" >"$work/events.jsonl"
  "$git_input" truth "$work/log" "$work/tree" "$work/blobs" >"$work/truth.tsv"
  rm "$work/log" "$work/tree" "$work/blobs"
}

take_sample() {
  cp "$here/../tests/data/git-history/events.jsonl" "$here/../tests/data/git-history/truth.tsv" "$work"
}

if [[ $repository == sample ]]; then
  say "Input: the sample in tests/data/git-history"
  take_sample
elif [[ -n $repository ]]; then
  say "Input: the history of $repository"
  take_repository "$repository" || die "git cannot read a history there"
else
  say "Input: the history of this checkout"
  if ! command -v git >/dev/null; then
    echo "there is no git: the sample in tests/data/git-history instead"
    take_sample
  elif ! take_repository "$here"; then
    echo "this is no checkout: the sample in tests/data/git-history instead"
    take_sample
  elif (($(wc -l <"$work/events.jsonl") < EVENTS_MIN)); then
    echo "it has fewer than $EVENTS_MIN changed files yet: the sample in tests/data/git-history instead"
    take_sample
  fi
fi
total=$(wc -l <"$work/events.jsonl")
((total >= EVENTS_MIN)) || die "only $total events: too few for a demonstration"
files=$(wc -l <"$work/truth.tsv")
printf '%s events; the lines of %s files are known from the files themselves\n' "$total" "$files"

# --- import, killed half-way -----------------------------------------------------------------------------------------

info() { "$daybook" info --json "$store" 2>/dev/null; }
number_in() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }

# Puts events into a new store, and kills the writer when a reader in another process has seen `half` of them. False
# when it had finished before. `$1` = pause: the input stops for a moment after half of it.
import_and_kill() {
  rm -rf "$store"
  started=${EPOCHREALTIME/[.,]/}
  if [[ $1 == pause ]]; then
    {
      head -n "$half" "$work/events.jsonl"
      sleep 1
      tail -n "+$((half + 1))" "$work/events.jsonl"
    } | "$daybook" import --quiet --batch "$batch" --durability sync "$store" - >"$work/killed.out" 2>&1 &
  else
    "$daybook" import --quiet --batch "$batch" --durability sync "$store" "$work/events.jsonl" \
      >"$work/killed.out" 2>&1 &
  fi
  importer=$!
  until info >/dev/null; do
    kill -0 "$importer" 2>/dev/null || break
  done
  # Another process, without a lock: it sees events as they are published.
  timeout 60 "$daybook" tail --follow --lines "$total" --limit "$half" "$store" >/dev/null || {
    cat "$work/killed.out" >&2
    die "no reader saw event $half within a minute"
  }
  kill -9 "$importer" 2>/dev/null || true
  elapsed_us=$((${EPOCHREALTIME/[.,]/} - started))
  local status=0
  wait "$importer" 2>/dev/null || status=$?
  importer=
  ((status == 137))
}

half=$((total / 2))
batch=$(((total + SYNCS_MAX - 1) / SYNCS_MAX))
say "Import, durable every $batch events; SIGKILL when a reader sees event $half"
for ((attempt = 1; ; ++attempt)); do
  ((attempt <= ATTEMPTS_MAX)) || die "the import was always faster than the signal"
  mode=run
  ((attempt <= 2)) || mode=pause
  if import_and_kill "$mode"; then
    survived=$(info | number_in last_position)
    ((survived < total)) && break
  fi
  echo "it had finished already: once more"
done
((survived >= half)) || die "the reader saw event $half, and the store has only $survived"
printf 'killed after %s ms: %s of %s events are in the store' "$((elapsed_us / 1000))" "$survived" "$total"
if [[ $mode == run ]]; then printf ' (%s durable events/s)' "$((survived * 1000000 / elapsed_us))"; fi
echo
"$daybook" info "$store" | sed -n '/^events\|^state/p'

# --- reopen, go on ---------------------------------------------------------------------------------------------------

say "Open it again, go on where the log ends"
"$daybook" import --quiet --resume --durability sync "$store" "$work/events.jsonl" 2>&1
count=$(info | number_in last_position)
[[ $count == "$total" ]] || die "the store has $count events instead of $total"

# --- verify, replay, compare -----------------------------------------------------------------------------------------

say "Verify every byte"
"$daybook" verify "$store" || die "verify found damage"

say "Replay everything, fold lines per file, compare with the files"
"$fold" "$store" "$work/truth.tsv" || die "the fold and the files differ (-: the files, +: the fold)"

say "Export, and compare with what was imported"
"$daybook" import --quiet --durability memory "$work/expected" "$work/events.jsonl" >/dev/null
for side in store expected; do
  # Everything but the times at which the two logs took the events.
  "$daybook" export "$work/$side" | sed 's/"recorded_at":"[^"]*",//' >"$work/$side.jsonl"
done
diff "$work/expected.jsonl" "$work/store.jsonl" >"$work/diff" || {
  head -n 20 "$work/diff" >&2
  die "the killed store and one that was never killed differ"
}
echo "equal to a store that was never killed: every event, byte for byte"
rm -rf "$work/expected" "$work/expected.jsonl" "$work/store.jsonl" "$work/diff" "$work/killed.out"

say "Rates on this machine"
"$daybook" bench replay --repeat 20 "$store"

json=$(info)
say "Done: $total events, $files files, no difference"
printf '%s bytes of JSON became %s bytes of log\n' "$(wc -c <"$work/events.jsonl")" "$(number_in used <<<"${json%%\"segments\"*}")"
busiest=$(cut -f 2,3 "$work/truth.tsv" | sort -rn | sed -n 1p | cut -f 2)
cat <<END

Try next:
  $daybook tail -n 5 $store
  $daybook cat --stream '$busiest' --reverse --limit 3 --jsonl $store
  $daybook dump --events --count 3 $store
END
