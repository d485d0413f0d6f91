#!/usr/bin/env bash
# The demo tells the truth: it passes on the sample and on an odd repository, and fails when one number differs.
#   demo_test.sh SOURCE_DIR PROGRAM WORK_DIR
set -euo pipefail

source_dir=$1
program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
work=$3
demo=$source_dir/tools/demo.sh

fail() {
  printf 'demo_test: FAILED: %s\n' "$*" >&2
  exit 1
}

rm -rf "$work"
mkdir -p "$work"
export DAYBOOK_DEMO_DIR=$work/demo

echo "### the sample"
"$demo" "$program" sample || fail "on the sample"
[[ -d $work/demo/store ]] || fail "it left no store behind"

echo "### an odd repository"
bash "$source_dir/tests/tools/odd_repository.sh" "$work/repository"
output=$("$demo" "$program" "$work/repository") || fail "on an odd repository"
echo "$output"
# A tree with those files in it: nothing was left out but what has a line feed in its name or was binary once.
events=$(wc -l <"$work/demo/events.jsonl")
((events > 250)) || fail "only $events events"
for name in $'tab\there' 'quote"back\slash' grüße $'latin\xe4' 'no line feed' empty link module left-20; do
  LC_ALL=C grep -qF -- $'\t'"$name" "$work/demo/truth.tsv" || fail "$name was not checked"
done

echo "### a directory that is no repository"
mkdir "$work/nothing"
if GIT_CEILING_DIRECTORIES=$work "$demo" "$program" "$work/nothing"; then fail "it took a directory without a history"; fi

echo "### somebody else's directory"
mkdir "$work/mine"
if DAYBOOK_DEMO_DIR=$work/mine "$demo" "$program" sample; then fail "it took a directory that is not its own"; fi
[[ -d $work/mine ]] || fail "it removed a directory that is not its own"

# A program that changes one number of one event when the import is taken up again.
echo "### one number differs"
mkdir "$work/bin"
bin=$(dirname "$program")
ln -s "$bin/git_input" "$work/bin/git_input"
ln -s "$bin/../examples/example_git_history" "$work/bin/example_git_history"
cat >"$work/bin/daybook" <<END
#!/usr/bin/env bash
for word; do
  if [[ \$word == --resume ]]; then
    sed -i '\$s/"added":\([0-9]*\)/"added":1\1/' "\${@: -1}"
  fi
done
exec "$program" "\$@"
END
chmod +x "$work/bin/daybook"
status=0
"$demo" "$work/bin/daybook" sample >"$work/out" 2>&1 || status=$?
cat "$work/out"
((status != 0)) || fail "it did not notice"
grep -q '^demo: FAILED: the fold and the files differ' "$work/out" || fail "it failed for another reason"
grep -q '^+ .* lines, .* events$' "$work/out" || fail "it showed no difference"
rm -rf "$work"
echo "### ok"
