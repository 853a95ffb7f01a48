#!/bin/sh
# SPDX-License-Identifier: MIT
# cppcheck over core/, sim/, ports/linux and tools/docs: warnings, style, performance, portability. An
# exception in the code stands beside it and says why: /* cppcheck-suppress NAME ; reason */. Switched
# off for all of the code:
#
#   variableScope            where a variable is declared is for who reads, and clang's -Wshadow stands
#   knownConditionTrueFalse  cppcheck 2.10 takes x of "x < MAX ? x : MAX" for always 0
#   missingIncludeSystem     it does not read the C library's headers, and need not
set -eu
cd "$(dirname "$0")/.."
case "$(cppcheck --version 2>/dev/null)" in
*" 2."*) ;;
*)
    echo "cppcheck: SKIPPED: needs cppcheck 2"
    exit 77
    ;;
esac
cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
    --enable=warning,style,performance,portability \
    --suppress=variableScope --suppress=knownConditionTrueFalse --suppress=missingIncludeSystem \
    -I core -I . -I ports/linux core sim ports/linux tools/docs || exit 1
echo "cppcheck: finds nothing"
