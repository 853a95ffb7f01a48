#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the core for a machine without an operating system and prints how much room it takes there.
# The prefix of the compiler's tools says which machine:
#
#   tools/size-table.sh riscv64-unknown-elf-    32-bit RISC-V, as ESP32-C3
#   tools/size-table.sh arm-none-eabi-          ARM Cortex-M4
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
riscv64-unknown-elf-) preset=rv32 ;;
arm-none-eabi-) preset=cortex-m ;;
*)
    echo "usage: size-table.sh riscv64-unknown-elf- | arm-none-eabi-" >&2
    exit 2
    ;;
esac
tools/packages.sh build "$preset"
[ -f "build/$preset/Makefile" ] || cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" --target embedded_image embedded_instance -- -s --no-print-directory >/dev/null
exec tools/size-table.py --prefix "$1" --build "build/$preset"
