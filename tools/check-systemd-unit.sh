#!/bin/sh
# SPDX-License-Identifier: MIT
# packaging/systemd/tinybms-gw.service is one that systemd takes, with a program that is there.
# Usage: check-systemd-unit.sh BINARY. Exit 77: there is no systemd-analyze.
set -eu
cd "$(dirname "$0")/.."
unit=packaging/systemd/tinybms-gw.service
command -v systemd-analyze >/dev/null 2>&1 || {
    echo "unit: SKIPPED: no systemd-analyze"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed "s|/usr/local/bin/tinybms-gw|$1|" $unit >"$work/tinybms-gw.service"
# What it complains of on standard error is the result: its exit status forgives unknown settings.
systemd-analyze verify --man=no "$work/tinybms-gw.service" >"$work/out" 2>&1 || true
if [ -s "$work/out" ]; then
    cat "$work/out"
    exit 1
fi
echo "unit: $unit is in order"
