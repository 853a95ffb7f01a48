#!/bin/sh
# SPDX-License-Identifier: MIT
# What makes code hard to read is refused or explained:
#   1. no file of core/ is longer than 600 lines;
#   2. no function is longer than 60 lines: clang-tidy counts (.clang-tidy); where one must be, the line
#      above it says why: /* NOLINTNEXTLINE(readability-function-size): one row per register */
#   3. an exception from clang-tidy, cppcheck or clang-format names its check and its reason.
# Prints each violation as file:line and exits 1.
set -eu
cd "$(dirname "$0")/.."
bad=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT

git ls-files -co --exclude-standard 'core/*.c' 'core/*.h' | while read -r file; do
    [ ! -f "$file" ] || awk -v file="$file" 'END { if (NR > 600) print file ":" NR ": is longer than 600 lines" }' "$file"
done >"$list"

# "NOLINT", "NOLINTNEXTLINE", "NOLINTBEGIN" want "(check): reason"; "cppcheck-suppress" wants "name ; reason".
git ls-files -co --exclude-standard '*.c' '*.h' | xargs grep -nE 'NOLINT(NEXTLINE|BEGIN)?\b|cppcheck-suppress' /dev/null |
    grep -vE 'NOLINT(NEXTLINE|BEGIN)?\([a-z][a-zA-Z0-9.*,-]*\): [a-z]|cppcheck-suppress [a-zA-Z]+ ; [a-z]' |
    sed 's/$/ <- an exception without its check and reason/' >>"$list" || true

if [ -s "$list" ]; then
    cat "$list"
    bad=1
else
    echo "lengths: no file of core/ over 600 lines, every exception has its reason"
fi
exit "$bad"
