/* SPDX-License-Identifier: MIT */
/* `tinybms-gw sim gx`: a virtual GX device that tells what it receives and which rules it saw
 * broken, on a CAN bus of three kinds. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <linux/can.h>
#include <linux/can/raw.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "arguments.h"
#include "commands.h"
#include "options.h"
#include "pty.h"
#include "sim/gx.h"
#include "sim/slcan_adapter.h"
#include "sim_commands.h"
#include "sim_link.h"
#include "slcan.h"
#include "stop.h"
#include "tty.h"
#include "version.h"

static const char command[] = "sim gx";

static const char help[] =
    "usage: tinybms-gw sim gx --can LINK [-j]\n\n"
    "A virtual GX device: it sends 0x305 and 0x307 every second, tells every frame of the\n"
    "battery in words, and names each rule of the protocol that it sees broken.\n\n"
    "      --can LINK   pty:PATH       plays a serial CAN adapter (SLCAN) with the GX behind it;\n"
    "                                  PATH is a link to it: hardware.can.interface=slcan:PATH\n"
    "                   socketcan:IF   joins the bus of a CAN interface that is up\n"
    "                   slcan:DEVICE   uses a serial CAN adapter, at 500 kbit/s\n"
    "  -j, --json       a JSON object a line\n"
    "  -h, --help       this text\n"
    "      --version    the version\n\n"
    "Exit status 0: no rule was broken, 1: one was, or the bus was lost.\n";

enum { GX_BITRATE = 500000, OPTION_CAN = 256, OPTION_VERSION };

enum bus_kind { BUS_PTY, BUS_SOCKETCAN, BUS_SLCAN };

struct can_bus {
    enum bus_kind kind;
    int fd;
    struct pty pty;
    struct sim_slcan adapter;  /* BUS_PTY: we play it */
    char line[SLCAN_LINE_MAX]; /* BUS_SLCAN: what the adapter says */
    size_t line_len;
    bool line_too_long;
};

struct monitor {
    struct sim_gx gx;
    struct can_bus bus;
    bool json;
    bool present, running;
    uint64_t started_us;
};

/* ---- the bus ---- */

static int open_socketcan(const char *interface, char *why, size_t cap) {
    struct sockaddr_can address = {.can_family = AF_CAN};
    struct ifreq request = {0};
    int fd = socket(PF_CAN, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, CAN_RAW);
    if (fd < 0) {
        (void)snprintf(why, cap, "this kernel has no CAN: %s", strerror(errno));
        return -1;
    }
    size_t length = strlen(interface);
    bool known = false;
    if (length < sizeof request.ifr_name) {
        memcpy(request.ifr_name, interface, length);
        known = ioctl(fd, SIOCGIFINDEX, &request) == 0;
    }
    address.can_ifindex = request.ifr_ifindex;
    if (!known || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        (void)snprintf(why, cap,
                       "no CAN interface %s: %s; bring it up with: ip link set %s up type can "
                       "bitrate %d",
                       interface, strerror(known ? errno : ENODEV), interface, GX_BITRATE);
        (void)close(fd);
        return -1;
    }
    return fd;
}

static int open_adapter(const char *device, char *why, size_t cap) {
    char text[SLCAN_OPEN_MAX];
    int fd = tty_open(device, SLCAN_BAUDRATE);
    size_t n = slcan_open_text(GX_BITRATE, false, text);
    if (fd >= 0 && write(fd, text, n) == (ssize_t)n) {
        return fd;
    }
    (void)snprintf(why, cap, "the adapter %s cannot be opened: %s", device,
                   strerror(fd < 0 ? -fd : errno));
    if (fd >= 0) {
        tty_close(fd);
    }
    return -1;
}

/* 0, or the exit status with why in words. */
static int bus_open(struct can_bus *b, const char *link, char *why, size_t cap) {
    static const struct {
        const char *prefix;
        enum bus_kind kind;
    } kinds[] = {{"pty:", BUS_PTY}, {"socketcan:", BUS_SOCKETCAN}, {"slcan:", BUS_SLCAN}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i].prefix);
        if (strncmp(link, kinds[i].prefix, n) != 0 || link[n] == '\0') {
            continue;
        }
        *b = (struct can_bus){.kind = kinds[i].kind};
        switch (b->kind) {
        case BUS_PTY:
            sim_slcan_init(&b->adapter);
            b->fd = pty_open(&b->pty, link + n, why, cap) < 0 ? -1 : b->pty.master;
            break;
        case BUS_SOCKETCAN:
            b->fd = open_socketcan(link + n, why, cap);
            break;
        case BUS_SLCAN:
            b->fd = open_adapter(link + n, why, cap);
            break;
        }
        return b->fd < 0 ? EXIT_FAILED : 0;
    }
    (void)snprintf(why, cap, "--can %s: it is pty:PATH, socketcan:IF or slcan:DEVICE", link);
    return EXIT_USAGE;
}

static void bus_close(struct can_bus *b) {
    switch (b->kind) {
    case BUS_PTY:
        pty_close(&b->pty);
        break;
    case BUS_SOCKETCAN:
        (void)close(b->fd);
        break;
    case BUS_SLCAN:
        (void)!write(b->fd, "\rC\r", 3);
        tty_close(b->fd);
        break;
    }
}

static bool bus_listens(const struct can_bus *b) {
    return b->kind != BUS_PTY || b->pty.peer;
}

static void bus_send(struct can_bus *b, const struct sim_can_frame *f, uint64_t now_us) {
    struct can_frame raw = {.can_id = f->id, .can_dlc = f->len};
    char text[SIM_CAN_TEXT_MAX + 1];
    switch (b->kind) {
    case BUS_PTY:
        sim_slcan_put_frame(&b->adapter, f, now_us);
        break;
    case BUS_SOCKETCAN:
        memcpy(raw.data, f->data, sizeof raw.data);
        (void)!write(b->fd, &raw, sizeof raw);
        break;
    case BUS_SLCAN: {
        size_t n = sim_can_format(f, text);
        text[n++] = '\r';
        (void)!write(b->fd, text, n);
        break;
    }
    }
}

/* ---- what is told ---- */

static double seconds(const struct monitor *m, uint64_t at_us) {
    return (double)(at_us - m->started_us) / 1e6;
}

static void tell_frame(const struct monitor *m, const struct sim_can_frame *f, uint64_t now_us) {
    char words[SIM_GX_WORDS_MAX], bytes[25] = "";
    for (size_t i = 0; i < f->len && !f->remote; i++) {
        (void)snprintf(bytes + (m->json ? 2 : 3) * i, 4, m->json ? "%02X" : "%02X ", f->data[i]);
    }
    if (m->json) {
        (void)sim_gx_json(f, words, sizeof words);
        (void)printf("{\"t\":%.3f,\"id\":%u,\"data\":\"%s\",%s}\n", seconds(m, now_us), f->id,
                     bytes, words);
    } else {
        (void)sim_gx_words(f, words, sizeof words);
        (void)printf("%9.3f  %0*X  %-24s %s\n", seconds(m, now_us), f->extended ? 8 : 3, f->id,
                     bytes, words);
    }
}

static void tell(const struct monitor *m, const char *key, const char *text, uint64_t now_us) {
    if (m->json) {
        (void)printf("{\"t\":%.3f,\"%s\":\"%s\"}\n", seconds(m, now_us), key, text);
    } else {
        (void)printf("%9.3f  %s: %s\n", seconds(m, now_us), key, text);
    }
}

static void tell_changes(struct monitor *m, uint64_t now_us) {
    struct sim_gx_violation v;
    while (sim_gx_next_violation(&m->gx, &v)) {
        char words[SIM_GX_WORDS_MAX];
        (void)sim_gx_violation_words(&v, words, sizeof words);
        tell(m, "violation", words, now_us);
        if (!m->json) {
            (void)fprintf(stderr, "tinybms-gw sim gx: rule broken: %s\n", words);
        }
    }
    if (sim_gx_present(&m->gx, now_us) != m->present) {
        m->present = !m->present;
        tell(m, "battery", m->present ? "listed" : "lost: no 0x35A for 3 s", now_us);
    }
    if (sim_gx_running(&m->gx, now_us) != m->running) {
        m->running = !m->running;
        tell(m, "system",
             m->running ? "charging and discharging as 0x351 allows" : "stopped: no 0x351 for 3 s",
             now_us);
    }
    (void)fflush(stdout);
}

static void take_frame(struct monitor *m, const struct sim_can_frame *f, uint64_t now_us) {
    sim_gx_handle_rx(&m->gx, f, now_us);
    tell_frame(m, f, now_us);
}

/* ---- receiving ---- */

/* The adapter's text: lines that are frames are frames, all else is its business. */
static void take_text(struct monitor *m, const uint8_t *bytes, size_t n, uint64_t now_us) {
    struct can_bus *b = &m->bus;
    for (size_t i = 0; i < n; i++) {
        struct sim_can_frame f;
        if (bytes[i] != '\r' && bytes[i] != '\a') {
            b->line_too_long = b->line_too_long || b->line_len == sizeof b->line;
            if (!b->line_too_long) {
                b->line[b->line_len++] = (char)bytes[i];
            }
            continue;
        }
        if (!b->line_too_long && sim_can_parse(b->line, b->line_len, &f)) {
            take_frame(m, &f, now_us);
        }
        b->line_len = 0;
        b->line_too_long = false;
    }
}

static bool receive_pty(struct monitor *m, uint64_t now_us) {
    struct can_bus *b = &m->bus;
    uint8_t buf[512];
    struct sim_can_frame f;
    bool had_peer = b->pty.peer;
    ssize_t n = pty_read(&b->pty, buf, sizeof buf);
    if (n < 0) {
        return false;
    }
    if (had_peer && !b->pty.peer) {
        sim_slcan_init(&b->adapter); /* as if unplugged: the next host finds it closed */
    }
    sim_slcan_handle_rx(&b->adapter, buf, (size_t)n);
    while (sim_slcan_next_frame(&b->adapter, &f)) {
        take_frame(m, &f, now_us);
    }
    return true;
}

static bool receive_socketcan(struct monitor *m, uint64_t now_us) {
    struct can_frame raw;
    ssize_t n = read(m->bus.fd, &raw, sizeof raw);
    if (n != sizeof raw) {
        return n >= 0 || errno == EAGAIN || errno == EINTR;
    }
    bool extended = (raw.can_id & CAN_EFF_FLAG) != 0;
    struct sim_can_frame f = {.id = raw.can_id & (extended ? CAN_EFF_MASK : CAN_SFF_MASK),
                              .extended = extended,
                              .remote = (raw.can_id & CAN_RTR_FLAG) != 0,
                              .len = raw.can_dlc <= 8 ? raw.can_dlc : 8};
    memcpy(f.data, raw.data, sizeof f.data);
    take_frame(m, &f, now_us);
    return true;
}

static bool receive_slcan(struct monitor *m, uint64_t now_us) {
    uint8_t buf[512];
    ssize_t n = read(m->bus.fd, buf, sizeof buf);
    if (n > 0) {
        take_text(m, buf, (size_t)n, now_us);
    } else if (n == 0) {
        errno = ENODEV; /* hung up */
    }
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool receive(struct monitor *m, uint64_t now_us) {
    switch (m->bus.kind) {
    case BUS_PTY:
        return receive_pty(m, now_us);
    case BUS_SOCKETCAN:
        return receive_socketcan(m, now_us);
    case BUS_SLCAN:
        return receive_slcan(m, now_us);
    }
    return false;
}

/* ---- the loop ---- */

/* Waits for the bus, the next frame to send, or a stop; true: stop. */
static bool wait_for(struct monitor *m, int stop, bool *readable) {
    uint64_t now_us = sim_link_now_us(), next_us = sim_gx_step(&m->gx, now_us);
    int timeout_ms = next_us > now_us ? (int)((next_us - now_us + 999) / 1000) : 0;
    bool listens = bus_listens(&m->bus);
    if (!listens && timeout_ms > PTY_PEER_CHECK_MS) {
        timeout_ms = PTY_PEER_CHECK_MS;
    }
    struct pollfd fds[2] = {{.fd = stop, .events = POLLIN}, {.fd = m->bus.fd, .events = POLLIN}};
    (void)poll(fds, listens ? 2 : 1, timeout_ms > 100 ? 100 : timeout_ms);
    *readable = !listens || fds[1].revents != 0;
    return fds[0].revents != 0;
}

static int watch(struct monitor *m, int stop) {
    bool readable = true;
    for (;;) {
        struct sim_can_frame f;
        uint64_t now_us = sim_link_now_us();
        if (readable && !receive(m, now_us)) {
            (void)fprintf(stderr, "tinybms-gw sim gx: the bus is gone: %s\n", strerror(errno));
            return EXIT_FAILED;
        }
        while (sim_gx_next_frame(&m->gx, now_us, &f)) {
            bus_send(&m->bus, &f, now_us);
        }
        uint8_t buf[512];
        size_t n = m->bus.kind == BUS_PTY ? sim_slcan_tx(&m->bus.adapter, buf, sizeof buf) : 0;
        if (n > 0) {
            pty_write(&m->bus.pty, buf, n);
        }
        tell_changes(m, now_us);
        if (wait_for(m, stop, &readable)) {
            return EXIT_DONE;
        }
    }
}

/* -1: go on; otherwise the exit status. */
static int parse(const char **link, bool *json, int argc, char **argv) {
    static const struct option names[] = {{"can", required_argument, NULL, OPTION_CAN},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {"version", no_argument, NULL, OPTION_VERSION},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":hj", names, NULL)) != -1) {
        switch (code) {
        case OPTION_CAN:
            *link = optarg;
            break;
        case 'j':
            *json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return options_finish_output(command);
        case OPTION_VERSION:
            (void)printf("tinybms-gw %s\n", TINYBMS_GW_VERSION_TEXT);
            return options_finish_output(command);
        default:
            return argument_refuse_option(command, code, argv);
        }
    }
    if (optind < argc) {
        return argument_refuse(command, "unexpected argument ", argv[optind]);
    }
    return *link == NULL ? argument_refuse(command, "--can LINK is needed: the bus to join", "")
                         : -1;
}

int cmd_sim_gx(int argc, char **argv) {
    static struct monitor m;
    const char *link = NULL;
    char why[512];
    m = (struct monitor){0};
    int status = parse(&link, &m.json, argc, argv);
    if (status >= 0 || link == NULL) {
        return status;
    }
    int stop = stop_open();
    if (stop < 0) {
        (void)fprintf(stderr, "tinybms-gw %s: no signals: %s\n", command, strerror(-stop));
        return EXIT_FAILED;
    }
    status = bus_open(&m.bus, link, why, sizeof why);
    if (status != 0) {
        (void)fprintf(stderr, "tinybms-gw %s: %s\n", command, why);
        (void)close(stop);
        return status;
    }
    m.started_us = sim_link_now_us();
    sim_gx_init(&m.gx, m.started_us);
    tell(&m, "gx", "on the bus; Ctrl-C ends it", m.started_us);
    status = watch(&m, stop);
    bus_close(&m.bus);
    (void)close(stop);
    uint32_t broken = sim_gx_violation_total(&m.gx);
    (void)snprintf(why, sizeof why, "%u frames received, rules broken: %u", m.gx.frames, broken);
    tell(&m, "end", why, sim_link_now_us());
    int written = options_finish_output(command);
    return status != EXIT_DONE ? status : broken > 0 ? EXIT_FAILED : written;
}
