#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes sure that the Debian packages of the named groups are there: names what is missing, installs
# it as root or with sudo, and says what to do where neither works. Takes no time when all is there.
#
#   tools/packages.sh build         what compiling needs
#   tools/packages.sh build test    ... and the tests
#   tools/packages.sh bench         what `make bench` needs besides
#   tools/packages.sh socketcan     what the tests on real CAN interfaces need (nothing but on x86)
#   tools/packages.sh rv32          a compiler for 32-bit RISC-V and what runs its programs
#   tools/packages.sh armhf         the same for 32-bit ARM with Linux
#   tools/packages.sh cortex-m      a compiler for ARM microcontrollers
set -eu

group_packages() {
    case "$1" in
    build) echo "gcc libc6-dev make cmake" ;;
    test) echo "clang libclang-rt-14-dev clang-format clang-tidy cppcheck libcmocka-dev libcjson-dev python3 python3-can python3-serial faketime mandoc" ;;
    bench) echo "python3 python3-can python3-serial valgrind" ;;
    socketcan)
        case "$(dpkg --print-architecture 2>/dev/null)" in
        amd64 | i386) echo "user-mode-linux can-utils busybox-static iproute2" ;;
        esac
        ;;
    rv32) echo "gcc-riscv64-unknown-elf qemu-user" ;;
    armhf) echo "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-user" ;;
    cortex-m) echo "gcc-arm-none-eabi" ;;
    mutate) echo "tcc" ;;
    proofs) echo "frama-c-base why3 cvc4 z3 python3" ;;
    *)
        echo "packages.sh: unknown group '$1' (groups: build, test, bench, socketcan, rv32, armhf, cortex-m, mutate, proofs)" >&2
        exit 2
        ;;
    esac
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=""
for group in "$@"; do
    names=$(group_packages "$group") || exit 2
    for package in $names; do
        command -v dpkg-query >/dev/null 2>&1 || break
        installed "$package" || missing="$missing $package"
    done
done

if ! command -v dpkg-query >/dev/null 2>&1; then
    for tool in cc cmake; do
        command -v "$tool" >/dev/null 2>&1 && continue
        echo "packages.sh: this is not a Debian system and '$tool' is missing; install a C compiler and CMake 3.25" >&2
        exit 1
    done
    exit 0
fi
[ -n "$missing" ] || exit 0

echo "Missing Debian packages:$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1; then
    as_root="sudo"
else
    echo "Install them as root, then run make again:" >&2
    echo "    apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "Installing them (this takes a minute the first time) ..."
# An old package list is a common reason for a failed install: refresh it and try once more.
# shellcheck disable=SC2086
install_missing() {
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
if ! install_missing; then
    echo "Refreshing the list of packages ..."
    $as_root apt-get update >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    install_missing || {
        cat "$log" >&2
        echo "The packages above could not be installed; install them by hand and run make again." >&2
        exit 1
    }
fi
echo "Installed."
