#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file is as clang-format leaves it. Prints the files that are not; exits 1 if there are any.
set -eu
cd "$(dirname "$0")/.."
case "$(clang-format --version 2>/dev/null)" in
*" 14."*) ;;
*)
    echo "format: SKIPPED: needs clang-format 14, whose layout is the reference"
    exit 77
    ;;
esac
bad=0
for file in $(git ls-files -co --exclude-standard '*.c' '*.h'); do
    [ -f "$file" ] || continue
    clang-format --style=file "$file" | cmp -s - "$file" || {
        echo "$file: run clang-format -i $file"
        bad=1
    }
done
[ "$bad" = 0 ] && echo "format: every file is as clang-format leaves it"
exit "$bad"
