#!/bin/sh
# SPDX-License-Identifier: MIT
# The pages of docs/ that are tables of the program say what the program does today.
#
#   tools/check-docs-generated.sh GENERATOR            compares; prints the differences, exits 1
#   tools/check-docs-generated.sh GENERATOR --write    rewrites them (`make docs`)
set -eu
generator=${1:?usage: check-docs-generated.sh GENERATOR [--write]}
write=${2:-}
cd "$(dirname "$0")/.."

pages="registers:docs/protocol/registers.md
can-frames:docs/protocol/can-frames.md
alarms:docs/protocol/alarms.md
stages:docs/protocol/stages.md
settings:docs/user/settings.md"

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
bad=0
for page in $pages; do
    file=${page#*:}
    "$generator" "${page%%:*}" >"$fresh"
    cmp -s "$fresh" "$file" && continue
    if [ "$write" = --write ]; then
        cat "$fresh" >"$file"
        echo "$file: rewritten"
    else
        echo "$file: not what the program says today; run 'make docs' and commit it"
        diff -u "$file" "$fresh" || true
        bad=1
    fi
done
[ "$bad" = 0 ] && echo "docs: the generated pages agree with the tables"
exit "$bad"
