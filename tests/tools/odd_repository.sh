#!/usr/bin/env bash
# Makes a git repository with everything that makes counting lines hard, at the path given: merges, renames, binary files
# that become text and back, symbolic links, a submodule, odd names, files that are gone and back, mode changes, missing
# line feeds. Its configuration is hostile, too.
set -euo pipefail

repository=$1
mkdir -p "$repository"
cd "$repository"
git init -q -b main .
git config user.name 'Ada "the\first" Lovelace'
git config user.email ada@example.org
git config commit.gpgSign false
git config core.autocrlf false

tick=1400000000
save() {
  tick=$((tick + 3600 - 7200 * (tick % 5 == 0)))
  git add -A
  GIT_AUTHOR_DATE="$tick +0130" GIT_COMMITTER_DATE="$tick -0500" git commit -q --allow-empty -m "$1"
}

printf 'one\ntwo\nthree' >'no line feed'
: >empty
printf '\0\1\2' >picture
printf 'a\r\nb\r\n' >dos
printf 'x\n' >$'tab\there'
printf 'x\n' >$'line\nfeed'
printf 'x\n' >'quote"back\slash'
printf 'x\ny\n' >grüße
printf 'x\n' >$'latin\xe4'
mkdir -p deep/er
printf '%s\n' {1..50} >deep/er/file
ln -s deep/er/file link
save first

printf 'four\n' >>'no line feed'
git mv deep/er/file deep/moved
chmod +x dos
save 'moved, and a mode'

printf 'text now\n' >picture
printf '\0' >>deep/moved
save 'binary becomes text, text becomes binary'

rm 'link' grüße
printf 'a\nb\nc\n' >'link'
save 'a link becomes a file, another is gone'

printf 'back\nagain\n' >grüße
git update-index --add --cacheinfo "160000,$(git rev-parse HEAD),module"
tick=$((tick + 1))
GIT_COMMITTER_DATE="$tick +0000" git commit -q -m 'a submodule'
git add grüße

for branch in left right; do
  git checkout -q -b "$branch" main
  for i in {1..20}; do
    printf '%s %s\n' "$branch" "$i" >>"$branch"
    printf '%s %s\n' "$branch" "$i" >"$branch-$i"
    # `git add -A` would drop the submodule, whose directory is empty.
    git add "$branch" "$branch-$i"
    tick=$((tick + 60))
    GIT_COMMITTER_DATE="$tick +0000" git commit -q -m "$branch $i"
  done
done
git checkout -q main
for branch in left right; do
  tick=$((tick + 60))
  GIT_COMMITTER_DATE="$tick +0000" git merge -q --no-ff -m "merge $branch" "$branch"
done

for i in {1..120}; do
  printf '%s\n' "$i" "$((i * i))" >"changing-$((i % 7))"
  seq "$((i % 13))" >'no line feed'
  git add "changing-$((i % 7))" 'no line feed'
  tick=$((tick + 60))
  GIT_COMMITTER_DATE="$tick +0000" git commit -q -m "change $i"
done

git config log.showRoot false
git config log.diffMerges off
git config log.showSignature true
git config diff.renames copies
git config diff.noprefix true
git config diff.relative true
git config diff.algorithm patience
git config diff.ignoreSubmodules all
git config diff.submodule log
git config diff.orderFile /dev/null
git config core.quotePath true
git config color.ui always
git config diff.upper.textconv 'tr a-z\\n A-Z_ <'
git config diff.upper.command 'false'
echo '*ing-* diff=upper' >.git/info/attributes
