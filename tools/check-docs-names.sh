#!/bin/sh
# SPDX-License-Identifier: MIT
# What the documents name is there:
#   1. every path under a folder of the tree (core/..., ports/..., ...) exists;
#   2. every relative link leads to a file;
#   3. every name of the source in back quotes (`victron_table`, `gateway_step()`,
#      `BUS_DEPTH_MAX`, `struct limits`) stands in the source, and every dotted setting in its table;
#   4. docs/architecture.md names every C file of core/, ports/linux/ and sim/, and no other;
#   5. the French README has the headings, code blocks and tables of the English one.
# System calls are written `poll(2)`, which is no name of ours. Prints what is missing, exits 1.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() {
    echo "$1"
    bad=1
}

documents=$(find . -maxdepth 1 -name '*.md'; find docs tests sim tools -name '*.md')

# The words of the source: C, scripts, build files.
find core ports sim tools tests Makefile CMakeLists.txt CMakePresets.json \( -name '*.[ch]' -o \
    -name '*.sh' -o -name '*.py' -o -name '*.in' -o -name 'CMakeLists.txt' -o -name '*.cmake' -o \
    -name 'Makefile' -o -name '*.json' \) -type f ! -name 'check-docs-*' -exec cat {} + |
    grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u >"$work/words"
grep -oE '"[a-z_]+(\.[a-z_]+)+"' core/settings/table.c | tr -d '"' | sort -u >"$work/settings"

for document in $documents; do
    folder=$(dirname "$document")
    grep -oE '(^|[^A-Za-z0-9_./~$-])(core|ports|sim|tests|tools|docs)/[A-Za-z0-9_./-]*' "$document" |
        sed -E 's/^[^a-z]//; s/[.]+$//' | sort -u >"$work/paths" || true
    while read -r path; do
        [ -e "$path" ] || complain "$document: names $path, which is not there"
    done <"$work/paths"

    grep -oE '\]\([^)#]+' "$document" | cut -c3- | grep -vE '^[a-z]+:' | sort -u >"$work/links" || true
    while read -r link; do
        [ -e "$folder/$link" ] || complain "$document: links to $link, which is not there"
    done <"$work/links"

    # Back-quoted names with an underscore or a pair of parentheses, and `struct x`, `enum x`.
    sed '/^```/,/^```/d' "$document" | grep -oE '`[^`]+`' | tr -d '`' | sed -E 's/^(struct|enum) //' |
        grep -E '^[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]*(\(\))?$|^[a-z][a-z0-9_]*\(\)$' |
        sed 's/()$//' | sort -u >"$work/names" || true
    comm -23 "$work/names" "$work/words" >"$work/missing"
    while read -r name; do
        grep -qE "\.${name}\$" "$work/settings" && continue # the last part of a setting's key
        complain "$document: names \`$name\`, which is nowhere in the source"
    done <"$work/missing"

    sections=$(cut -d. -f1 "$work/settings" | sort -u | tr '\n' '|')
    sed '/^```/,/^```/d' "$document" | grep -oE '`[a-z_]+(\.[a-z_]+)+`' | tr -d '`' |
        grep -E "^(${sections%|})\." | grep -vE '\.(c|h|md|py|sh|json|regs|golden)$' | sort -u |
        comm -23 - "$work/settings" >"$work/missing" || true
    while read -r key; do
        grep -q "^$key\." "$work/settings" && continue # a section
        complain "$document: names the setting $key, which is not in core/settings/table.c"
    done <"$work/missing"
done

for file in $(find core ports/linux sim -name '*.[ch]'); do
    grep -qE "[\`/]$(basename "$file" | sed 's/\./\\./')\`" docs/architecture.md ||
        complain "docs/architecture.md: does not say what $file is"
done

find core ports sim tests tools -name '*.[ch]' -exec basename {} \; | sort -u >"$work/files"
grep -oE '`[A-Za-z0-9_]+\.[ch]`' docs/architecture.md | tr -d '`' | sort -u | comm -23 - "$work/files" >"$work/missing"
while read -r file; do
    complain "docs/architecture.md: names $file, which is not there"
done <"$work/missing"

shape() { # headings by level, table rows, fences and the commands in them, in order
    awk '/^```/ { fence = !fence; print "fence"; next }
         fence && /^(tinybms-gw|make|git) / { sub(/ +#.*/, ""); print; next }
         fence { next }
         /^#+ / { print $1; next }
         /^\|/ { print "row" }' "$1"
}
if [ -f README.fr.md ]; then
    shape README.md >"$work/en"
    shape README.fr.md >"$work/fr"
    cmp -s "$work/en" "$work/fr" || {
        complain "README.fr.md: its headings, tables or commands are not those of README.md"
        diff "$work/en" "$work/fr" | head -20
    }
fi

[ "$bad" = 0 ] && echo "docs: every path, link, name and setting that the documents mention is there"
exit "$bad"
