/* SPDX-License-Identifier: MIT */
/* The gateway's own threads, asked for samples as fast as the wire gives them. The setting
 * tinybms.poll_interval_ms ends at 20 ms, because a TinyBMS measures every 100 ms; the core takes 0
 * as "back to back", and that is what is set here.
 *
 *     bench-fast SERIAL_DEVICE SLCAN_DEVICE */
#include <stdio.h>
#include <string.h>

#include "runtime.h"

int main(int argc, char **argv) {
    struct settings s;
    struct runtime *rt;
    const struct runtime_options how = {.urgent = true, .signals = true};
    settings_defaults(&s);
    if (argc != 3 || strlen(argv[1]) >= sizeof s.hardware.uart.device ||
        snprintf(s.hardware.can.interface, sizeof s.hardware.can.interface, "slcan:%s", argv[2]) >=
            (int)sizeof s.hardware.can.interface) {
        (void)fprintf(stderr, "usage: bench-fast SERIAL_DEVICE SLCAN_DEVICE\n");
        return 2;
    }
    memcpy(s.hardware.uart.device, argv[1], strlen(argv[1]) + 1);
    s.tinybms.poll_interval_ms = 0;
    if (runtime_start(&rt, &s, &how) != 0) {
        return 1;
    }
    runtime_run(rt);
    runtime_stop(rt);
    return 0;
}
