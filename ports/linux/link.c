/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "sim_link.h"
#include "slcan.h"
#include "socketcan.h"
#include "tty.h"

/* ---- what the settings name ---- */

static const char *after(const char *text, const char *prefix) {
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static bool is_none(const char *text) {
    return text[0] == '\0' || strcmp(text, "none") == 0;
}

struct link_spec link_spec_uart(const char *device) {
    struct link_spec s = {.kind = LINK_TTY, .target = device};
    if (is_none(device)) {
        s.kind = LINK_NONE;
    } else if (strcmp(device, "sim") == 0) {
        s.kind = LINK_SIM;
    } else if (after(device, "tcp://") != NULL) {
        s.kind = LINK_TCP;
    }
    return s;
}

struct link_spec link_spec_can(const char *interface) {
    struct link_spec s = {.kind = LINK_NONE, .target = interface};
    if (strcmp(interface, "sim") == 0) {
        s.kind = LINK_SIM;
    } else if (after(interface, "slcan:") != NULL) {
        s.kind = LINK_SLCAN;
        s.target = after(interface, "slcan:");
    } else if (after(interface, "socketcan:") != NULL) {
        s.kind = LINK_SOCKETCAN;
        s.target = after(interface, "socketcan:");
    }
    return s;
}

bool link_exists(const struct link_spec *spec) {
    struct stat st;
    switch (spec->kind) {
    case LINK_NONE:
    case LINK_SIM:
    case LINK_TCP:
        return true;
    case LINK_TTY:
    case LINK_SLCAN:
        return stat(spec->target, &st) == 0;
    case LINK_SOCKETCAN:
        return if_nametoindex(spec->target) != 0;
    }
    return true;
}

const char *link_advice(enum link_kind kind, int error) {
    static const struct {
        enum link_kind kind;
        int error;
        const char *text;
    } advice[] = {
        /* clang-format off */
        {LINK_TTY,       ENOENT,       "check the cable and hardware.uart.device"},
        {LINK_TTY,       EACCES,       "add this user to the group that owns the device, usually dialout"},
        {LINK_TTY,       EBUSY,        "stop the program that uses it"},
        {LINK_TTY,       ENOTTY,       "set hardware.uart.device to a serial device"},
        {LINK_TTY,       EINVAL,       "the adapter cannot do this rate: check hardware.uart.baudrate"},
        {LINK_TCP,       ECONNREFUSED, "check that the serial server runs and its port number"},
        {LINK_TCP,       ENOENT,       "check the host name in hardware.uart.device and the name server"},
        {LINK_TCP,       EINVAL,       "write hardware.uart.device as tcp://host:port"},
        {LINK_TCP,       ETIMEDOUT,    "check that the serial server is on and its address"},
        {LINK_SLCAN,     ENOENT,       "check the cable and hardware.can.interface"},
        {LINK_SLCAN,     EACCES,       "add this user to the group that owns the device, usually dialout"},
        {LINK_SLCAN,     EBUSY,        "stop the program that uses it, such as slcand"},
        {LINK_SLCAN,     ENOTTY,       "set hardware.can.interface to slcan: and a serial device"},
        {LINK_SLCAN,     EINVAL,       "SLCAN has no code for this rate: check hardware.can.bitrate"},
        {LINK_SLCAN,     EOPNOTSUPP,   "these adapters have no loopback: set hardware.can.mode to normal or listen"},
        {LINK_SOCKETCAN, ENODEV,       "check hardware.can.interface; ip link shows the interfaces there are"},
        {LINK_SOCKETCAN, ENETDOWN,     "set it up with ip link set IF up type can bitrate RATE"},
        {LINK_SOCKETCAN, EAFNOSUPPORT, "load the kernel modules can and can_raw, or use slcan:DEVICE"},
        /* clang-format on */
    };
    for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++) {
        if (advice[i].kind == kind && advice[i].error == error) {
            return advice[i].text;
        }
    }
    return kind == LINK_TTY || kind == LINK_TCP ? "check hardware.uart.device"
                                                : "check hardware.can.interface";
}

/* ---- opening ---- */

/* The channel is opened without waiting for acknowledgements: some adapters give none. */
static int open_channel(int fd, uint32_t bitrate, bool listen_only) {
    char text[SLCAN_OPEN_MAX];
    size_t n = slcan_open_text(bitrate, listen_only, text);
    if (n == 0) {
        return -EINVAL;
    }
    ssize_t written = write(fd, text, n); /* into an empty queue */
    if (written < 0) {
        return -errno;
    }
    return (size_t)written == n ? 0 : -EIO;
}

static void close_device(enum link_kind kind, int fd) {
    if (kind == LINK_TTY || kind == LINK_SLCAN) {
        tty_close(fd);
    } else {
        (void)close(fd);
    }
}

static void close_held(struct link *l) {
    int fd = atomic_exchange_explicit(&l->held, -1, memory_order_acq_rel);
    if (fd >= 0) {
        close_device(l->spec.kind, fd);
    }
    l->fd = -1;
}

/* A descriptor or a negative errno; tcp:// is opened elsewhere. */
static int open_device(const struct link *l) {
    int fd = -EINVAL;
    bool slcan = false;
    switch (l->spec.kind) {
    case LINK_NONE:
    case LINK_TCP:
        return -EINVAL;
    case LINK_SIM:
        slcan = l->id == PORT_CAN;
        fd = slcan ? sim_link_open_gx() : sim_link_open_bms();
        break;
    case LINK_TTY:
        fd = tty_open(l->spec.target, l->config.bitrate);
        break;
    case LINK_SLCAN:
        if (l->config.loopback) {
            return -EOPNOTSUPP; /* it would send on the bus */
        }
        slcan = true;
        fd = tty_open(l->spec.target, SLCAN_BAUDRATE);
        break;
    case LINK_SOCKETCAN:
        fd = socketcan_open(l->spec.target);
        break;
    }
    int err = fd >= 0 && slcan ? open_channel(fd, l->config.bitrate, l->config.listen_only) : 0;
    if (err != 0) {
        close_device(l->spec.kind, fd);
        return err;
    }
    return fd;
}

/* One line at once when the reason is new, then one a minute. */
static bool may_complain(struct link *l, int error, uint64_t now_ms) {
    if (l->complained && l->complained_of == error &&
        now_ms - l->complained_at_ms < LINK_COMPLAIN_MS) {
        return false;
    }
    l->complained = true;
    l->complained_of = error;
    l->complained_at_ms = now_ms;
    return true;
}

/* As link_advice(), with the names and numbers of this very interface. */
static const char *advise(const struct link *l, int error, char *text, size_t cap) {
    char there[128];
    if (l->spec.kind == LINK_SOCKETCAN && error == ENETDOWN) {
        (void)snprintf(text, cap, "ip link set %s up type can bitrate %u", l->spec.target,
                       (unsigned)l->config.bitrate);
        return text;
    }
    if (l->spec.kind == LINK_SOCKETCAN && error == ENODEV) {
        socketcan_list(there, sizeof there);
        (void)snprintf(text, cap, "check hardware.can.interface; CAN interfaces there are: %s",
                       there[0] != '\0' ? there : "none");
        return text;
    }
    return link_advice(l->spec.kind, error);
}

static void complain(struct link *l, struct log_sink *log, int error, const char *why,
                     uint64_t now_ms) {
    if (!may_complain(l, error, now_ms)) {
        return;
    }
    char owner[128] = "", text[128], advice[256];
    const bool tty = l->spec.kind == LINK_TTY || l->spec.kind == LINK_SLCAN;
    if (tty && error == EBUSY) {
        tty_owner(l->spec.target, owner, sizeof owner);
    }
    if (why[0] == '\0') {
        why = strerror_r(error, text, sizeof text);
    }
    log_sink_write(log, LOG_ERROR, l->name,
                   "cannot open device=%s reason=\"%s\"%s%s next=\"%s; trying again\"",
                   l->config.device, why, owner[0] != '\0' ? " " : "", owner,
                   advise(l, error, advice, sizeof advice));
}

static void plan_retry(struct link *l, uint64_t now_ms) {
    l->state = LINK_WAITING;
    l->retry_at_ms = now_ms + l->backoff_ms;
    l->backoff_ms =
        l->backoff_ms * 2 > LINK_BACKOFF_MAX_MS ? LINK_BACKOFF_MAX_MS : l->backoff_ms * 2;
}

static void opened(struct link *l, int fd) {
    l->fd = fd;
    atomic_store_explicit(&l->held, fd, memory_order_release);
    l->state = LINK_READY;
}

static void begin(struct link *l, struct log_sink *log, uint64_t now_ms) {
    int fd = 0;
    if (l->spec.kind == LINK_TCP) {
        int err = tcp_open_begin(&l->tcp, l->spec.target, now_ms);
        if (err == 0) {
            l->state = LINK_CONNECTING;
            l->connecting_since_ms = now_ms;
            return;
        }
        fd = err;
    } else {
        fd = open_device(l);
    }
    if (fd >= 0) {
        opened(l, fd);
        return;
    }
    complain(l, log, -fd, "", now_ms);
    plan_retry(l, now_ms);
}

static void go_on_connecting(struct link *l, struct log_sink *log, uint64_t now_ms) {
    int fd = tcp_open_step(&l->tcp, now_ms);
    if (fd == -EINPROGRESS) {
        if (now_ms - l->connecting_since_ms >= LINK_SLOW_CONNECT_MS) {
            complain(l, log, ETIMEDOUT, "resolving and connecting takes long", now_ms);
        }
        return;
    }
    if (fd < 0) {
        complain(l, log, -fd, l->tcp.why, now_ms);
    }
    tcp_open_end(&l->tcp);
    if (fd >= 0) {
        opened(l, fd);
    } else {
        plan_retry(l, now_ms);
    }
}

static void take_config(struct link_config *c, enum port_link id, const struct settings *s) {
    memset(c, 0, sizeof *c);
    if (id == PORT_UART) {
        memcpy(c->device, s->hardware.uart.device, sizeof c->device);
        c->bitrate = s->hardware.uart.baudrate;
    } else {
        memcpy(c->device, s->hardware.can.interface, sizeof c->device);
        c->bitrate = s->hardware.can.bitrate;
        c->listen_only = s->hardware.can.mode == SETTINGS_CAN_LISTEN;
        c->loopback = s->hardware.can.mode == SETTINGS_CAN_LOOPBACK;
    }
}

/* Nothing is open; the first attempt is due at once. */
static void begin_with(struct link *l, enum port_link id, const struct link_config *c) {
    memset(l, 0, offsetof(struct link, held));
    l->id = id;
    l->config = *c;
    l->fd = -1;
    l->tcp.fd = -1;
    l->backoff_ms = LINK_BACKOFF_FIRST_MS;
    bool uart = id == PORT_UART;
    l->name = uart ? "uart" : "can";
    l->setting = uart ? "hardware.uart.device" : "hardware.can.interface";
    l->spec = uart ? link_spec_uart(l->config.device) : link_spec_can(l->config.device);
    l->state = l->spec.kind == LINK_NONE ? LINK_OFF : LINK_WAITING;
}

void link_init(struct link *l, enum port_link id, const struct settings *settings) {
    struct link_config c;
    take_config(&c, id, settings);
    atomic_init(&l->held, -1);
    begin_with(l, id, &c);
}

void link_take_over(struct link *l, const struct link_device *d, const struct settings *settings,
                    uint64_t now_ms) {
    begin_with(l, l->id, &d->config);
    opened(l, d->fd);
    l->state = LINK_ATTACHED;
    l->attached_at_ms = now_ms;
    link_configure(l, settings);
}

void link_configure(struct link *l, const struct settings *settings) {
    take_config(&l->next, l->id, settings);
    l->replace =
        strcmp(l->next.device, l->config.device) != 0 || l->next.bitrate != l->config.bitrate ||
        l->next.listen_only != l->config.listen_only || l->next.loopback != l->config.loopback;
}

bool link_wants_back(const struct link *l) {
    return l->replace && l->state == LINK_ATTACHED && !l->detach_requested;
}

void link_tell_off(const struct link *l, struct log_sink *log) {
    if (l->state == LINK_OFF) {
        log_sink_write(log, LOG_INFO, l->name, "not used %s=%s", l->setting, l->config.device);
    }
}

static void replace(struct link *l, struct log_sink *log) {
    const struct link_config next = l->next;
    link_close(l);
    begin_with(l, l->id, &next);
    link_tell_off(l, log);
}

static uint64_t earliest(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t link_step(struct link *l, struct log_sink *log, uint64_t now_ms) {
    if (l->replace && l->state != LINK_ATTACHED) {
        replace(l, log);
    }
    if (l->state == LINK_WAITING && now_ms >= l->retry_at_ms) {
        begin(l, log, now_ms);
    }
    if (l->state == LINK_CONNECTING) {
        go_on_connecting(l, log, now_ms);
    }
    switch (l->state) {
    case LINK_WAITING:
        return l->retry_at_ms;
    case LINK_CONNECTING: {
        uint64_t complain_ms = l->complained ? l->complained_at_ms + LINK_COMPLAIN_MS
                                             : l->connecting_since_ms + LINK_SLOW_CONNECT_MS;
        uint64_t slow_ms = now_ms < complain_ms ? complain_ms : now_ms + LINK_SLOW_CONNECT_MS;
        return earliest(l->tcp.deadline_ms, slow_ms);
    }
    case LINK_OFF:
    case LINK_READY:
    case LINK_ATTACHED:
        break;
    }
    return UINT64_MAX;
}

int link_wait_fd(const struct link *l, short *events) {
    *events = 0;
    return l->state == LINK_CONNECTING ? tcp_open_fd(&l->tcp, events) : -1;
}

void link_hurry(struct link *l, uint64_t now_ms) {
    if (l->state == LINK_WAITING) {
        l->retry_at_ms = now_ms;
    }
}

void link_attached(struct link *l, struct log_sink *log, uint64_t now_ms) {
    l->state = LINK_ATTACHED;
    l->attached_at_ms = now_ms;
    l->detach_requested = false;
    l->complained = false;
    log_sink_write(log, LOG_INFO, l->name, "opened device=%s", l->config.device);
    if (l->config.listen_only) {
        log_sink_write(log, LOG_WARN, l->name,
                       "listening only: nothing is sent to the GX setting=hardware.can.mode");
    }
}

void link_detached(struct link *l, const struct thread_report *why, struct log_sink *log,
                   uint64_t now_ms) {
    char text[128];
    const char *reason = "";
    switch (why->reason) {
    case DETACH_END_OF_FILE:
        reason = "the other end closed, or the device was unplugged";
        break;
    case DETACH_STALLED:
        reason = "the device has taken no bytes for 5 s";
        break;
    case DETACH_REQUESTED:
        reason = "the configuration names another one now";
        break;
    case DETACH_ERROR:
        reason = strerror_r(why->error, text, sizeof text);
        break;
    }
    enum log_level level = why->reason == DETACH_REQUESTED ? LOG_INFO : LOG_WARN;
    log_sink_write(log, level, l->name, "lost device=%s reason=\"%s\"", l->config.device, reason);
    close_held(l);
    if (now_ms - l->attached_at_ms >= LINK_GOOD_LIFE_MS) {
        l->backoff_ms = LINK_BACKOFF_FIRST_MS;
    }
    plan_retry(l, now_ms);
}

void link_close(struct link *l) {
    if (l->state == LINK_CONNECTING) {
        tcp_open_end(&l->tcp);
    }
    close_held(l);
    l->state = LINK_OFF;
}

void link_close_abandoned(struct link *l, int kept) {
    int fd = atomic_exchange_explicit(&l->held, -1, memory_order_acq_rel);
    if (fd >= 0 && fd != kept) {
        tty_close(fd); /* of any kind: to what is no tty it is close(2) */
    }
}

struct link_device link_device(const struct link *l) {
    return (struct link_device){
        .fd = l->fd,
        .transport = l->spec.kind == LINK_SOCKETCAN ? CAN_OVER_SOCKETCAN : CAN_OVER_SLCAN,
        .config = l->config,
    };
}

/* ---- one command ---- */

int link_open_once(const struct settings *settings, uint64_t timeout_ms, char *why, size_t cap) {
    struct link l;
    link_init(&l, PORT_UART, settings);
    why[0] = '\0';
    int fd = -EINVAL;
    if (l.spec.kind == LINK_TCP) {
        uint64_t end_ms = clock_now_ms() + timeout_ms;
        fd = tcp_open_begin(&l.tcp, l.spec.target, clock_now_ms());
        for (uint64_t now_ms = clock_now_ms(); fd == 0 || fd == -EINPROGRESS;
             now_ms = clock_now_ms()) {
            fd = tcp_open_step(&l.tcp, now_ms);
            if (fd != -EINPROGRESS) {
                break;
            }
            if (now_ms >= end_ms) {
                fd = -ETIMEDOUT;
                break;
            }
            struct pollfd p = {.fd = -1};
            p.fd = tcp_open_fd(&l.tcp, &p.events);
            (void)poll(&p, 1, 100);
        }
        (void)snprintf(why, cap, "%s", l.tcp.why);
        tcp_open_end(&l.tcp);
    } else if (l.spec.kind == LINK_NONE) {
        (void)snprintf(why, cap, "no device is set");
    } else {
        fd = open_device(&l);
    }
    if (fd < 0 && why[0] == '\0') {
        char text[128];
        (void)snprintf(why, cap, "%s", strerror_r(-fd, text, sizeof text));
    }
    return fd;
}

void link_close_once(const struct settings *settings, int fd) {
    close_device(link_spec_uart(settings->hardware.uart.device).kind, fd);
}
