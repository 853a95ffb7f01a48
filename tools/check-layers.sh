#!/bin/sh
# SPDX-License-Identifier: MIT
# Holds the two rules of the layout:
#   1. arrows point down only: gateway -> modules -> battery. A module of core/ includes itself,
#      battery/, gw_err.h, and what the table below grants; nothing in core/ includes sim/ or ports/.
#   2. core/ is free of operating systems: no header but the C library's pure ones.
# Prints each violation as file:line and exits 1.
set -eu
cd "$(dirname "$0")/.."

granted() { # module -> other modules that it may include
    case "$1" in
    settings) echo "json" ;;
    gateway) echo "bus json policy settings tinybms victron" ;;
    *) echo "" ;;
    esac
}

pure="assert.h limits.h stdatomic.h stdbool.h stddef.h stdint.h string.h"
bad=0
list=$(mktemp)
trap 'rm -f "$list"' EXIT

complain() {
    echo "$1"
    bad=1
}

for file in $(git ls-files -co --exclude-standard 'core/*.c' 'core/*.h'); do
    [ -f "$file" ] || continue
    module=${file#core/}
    module=${module%%/*}
    grep -nE '^[[:space:]]*#[[:space:]]*include' "$file" >"$list" || true
    while IFS=: read -r line text; do
        case "$text" in
        *\<*)
            header=$(echo "$text" | sed 's/.*<\(.*\)>.*/\1/')
            case " $pure " in
            *" $header "*) ;;
            *) complain "$file:$line: <$header> does not belong in core/" ;;
            esac
            ;;
        *)
            header=$(echo "$text" | sed 's/.*"\(.*\)".*/\1/')
            case "$header" in
            gw_err.h) continue ;;
            */*) target=${header%%/*} ;;
            *) target=$module ;;
            esac
            case " $module battery $(granted "$module") " in
            *" $target "*) ;;
            *) complain "$file:$line: core/$module may not include \"$header\"" ;;
            esac
            ;;
        esac
    done <"$list"
done

for file in $(git ls-files -co --exclude-standard 'core/*.c' 'core/*.h'); do
    [ -f "$file" ] || continue
    names=$(grep -nE '\b(malloc|calloc|realloc|free|printf|snprintf|fopen|pthread_|clock_gettime|gettimeofday|alloca|setjmp|longjmp)[a-z_]*[[:space:]]*\(' "$file" || true)
    [ -z "$names" ] || complain "$file: calls what core/ may not call: $names"
done

files=$(git ls-files -co --exclude-standard 'sim/*.[ch]')
for file in $files; do
    [ -f "$file" ] || continue
    grep -nE '#[[:space:]]*include[[:space:]]*"(gateway|policy|settings|victron|tinybms|bus|json)/' "$file" >/dev/null &&
        complain "$file: the simulation speaks the protocols with code of its own, not the gateway's"
done

[ "$bad" = 0 ] && echo "layers: every include points down, core/ names no operating system"
exit "$bad"
