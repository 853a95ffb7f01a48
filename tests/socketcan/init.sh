#!/bin/sh
# SPDX-License-Identifier: MIT
# The first process of the guest that guest.py boots: mounts what a Linux has, loads the CAN modules,
# makes vcan0, runs $GUEST_DIR/command, leaves its exit status in $GUEST_DIR/status and powers off.
#
# A plain shell on purpose: busybox sh runs its applets as /proc/self/exe, and until the guest's own
# /proc is mounted that name leads through the host's to the kernel's binary.
set -u
if [ $$ != 1 ] || [ ! -f "${GUEST_DIR:-}/command" ]; then
    echo "init.sh: only the guest of guest.py starts this" >&2
    exit 2
fi
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH

boot() {
    mount -t proc proc /proc &&
        mount -t sysfs sysfs /sys &&
        mount -t tmpfs -o mode=0755 tmpfs /run &&
        mkdir -p /dev/pts /dev/shm /run/tmp &&
        mount -t devpts -o mode=0620,ptmxmode=0666 devpts /dev/pts &&
        mount -t tmpfs tmpfs /dev/shm || return
    modules=/usr/lib/uml/modules/$(uname -r)/kernel
    for module in net/can/can net/can/can-raw net/can/can-bcm net/can/can-gw \
        drivers/net/can/dev/can-dev drivers/net/can/vcan drivers/net/can/vxcan \
        drivers/net/can/slcan/slcan; do
        busybox insmod "$modules/$module.ko" || return
    done
    ip link set lo up && ip link add vcan0 type vcan && ip link set vcan0 up
}

if boot; then
    stty -F /dev/tty0 -opost
    read -r up _ </proc/uptime
    echo "$up" >"$GUEST_DIR/booted"
    TMPDIR=/run/tmp timeout -k 2 "$GUEST_LIMIT" sh "$GUEST_DIR/command" </dev/null >/dev/tty0 2>&1
    echo $? >"$GUEST_DIR/status"
else
    echo "init.sh: the guest did not come up"
fi
busybox poweroff -f
