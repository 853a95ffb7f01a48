#!/bin/sh
# SPDX-License-Identifier: MIT
# clang-tidy over core/, sim/, ports/linux, ports/virtual and tools/docs as .clang-tidy asks. Without
# the static analyzer it takes a few seconds a folder and runs with every `make test`; with it, minutes:
#
#   tools/check-tidy.sh BUILD             what the build compiled, without the analyzer
#   tools/check-tidy.sh BUILD --analyzer  with it
set -eu
cd "$(dirname "$0")/.."
build=$1
case "$(clang-tidy --version 2>/dev/null)" in
*" 14."*) ;;
*)
    echo "tidy: SKIPPED: needs clang-tidy 14, whose checks .clang-tidy names"
    exit 77
    ;;
esac
checks=-clang-analyzer-\*
[ "${2:-}" = --analyzer ] && checks=
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# What is not compiled in this build (the ESP32 port) has no command line to be checked with.
git ls-files -co --exclude-standard 'core/*.c' 'sim/*.c' 'ports/linux/*.c' 'ports/virtual/*.c' 'tools/docs/*.c' |
    while read -r file; do [ ! -f "$file" ] || echo "$file"; done |
    xargs -P 2 -n 12 clang-tidy --quiet -p "$build" --checks="$checks" >"$log" 2>&1 || {
    grep -v 'warnings\? generated\|^Suppressed\|^Use -header-filter' "$log" || true
    exit 1
}
echo "tidy: clang-tidy finds nothing${2:+, with its analyzer}"
