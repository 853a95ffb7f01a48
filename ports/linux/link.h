/* SPDX-License-Identifier: MIT */
/* The services' side of a link: finds the device that the settings name, opens it, and opens it
 * again for as long as it takes, whatever was unplugged, restarted or not there yet.
 *
 *     OFF        hardware.*.device or .interface is none: nothing to do
 *     WAITING    until retry_at_ms; at first at once, then 0.2 s doubling to 1 s
 *     CONNECTING a tcp:// device is being resolved and connected
 *     READY      open, for the caller to hand to the gateway thread
 *     ATTACHED   the gateway thread reads and writes it; it is still ours to close
 *
 * A failure is one ERROR line at once and at most one a minute while it lasts. */
#ifndef PORTS_LINUX_LINK_H
#define PORTS_LINUX_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "channel.h"
#include "log_sink.h"
#include "settings/settings.h"
#include "tcp.h"

enum link_kind { LINK_NONE, LINK_SIM, LINK_TTY, LINK_TCP, LINK_SLCAN, LINK_SOCKETCAN };

/* What a setting names. */
struct link_spec {
    enum link_kind kind;
    const char *target; /* path, interface or whole tcp:// address: inside the setting's text */
};

/* hardware.uart.device: a path, tcp://host:port, sim, none or empty. */
struct link_spec link_spec_uart(const char *device);
/* hardware.can.interface: socketcan:IF, slcan:DEV, sim, none or empty. An unknown form is none. */
struct link_spec link_spec_can(const char *interface);

enum link_state { LINK_OFF, LINK_WAITING, LINK_CONNECTING, LINK_READY, LINK_ATTACHED };

enum {
    LINK_BACKOFF_FIRST_MS = 200,
    LINK_BACKOFF_MAX_MS = 1000, /* a GX gives up after 3 s without frames; opening is cheap */
    LINK_GOOD_LIFE_MS = 10000,  /* a device that lived so long starts again with the first */
    LINK_COMPLAIN_MS = 60000,
    LINK_SLOW_CONNECT_MS = 5000, /* connecting for longer than this is worth a line */
};

struct link {
    enum port_link id;
    const char *name;    /* the log's module: "uart" or "can" */
    const char *setting; /* the key of the device */
    struct link_config config, next;
    bool replace;          /* next is to be config as soon as the device is closed */
    bool detach_requested; /* of the gateway thread, for that */
    struct link_spec spec; /* points into config */
    enum link_state state;
    int fd;              /* READY and ATTACHED */
    struct tcp_open tcp; /* CONNECTING */
    uint64_t retry_at_ms, backoff_ms, attached_at_ms, connecting_since_ms;
    bool complained; /* since the device last worked */
    uint64_t complained_at_ms;
    int complained_of; /* errno of the last line */

    /* Last, and never simply overwritten: fd as long as it is for whoever has this link to close.
     * Taking it out by an exchange is the right to close it: when services are abandoned, they and
     * those that follow both try, and one of them finds -1. */
    _Atomic int held;
};

/* l must stay in place: it points into itself. */
void link_init(struct link *l, enum port_link id, const struct settings *settings);

/* One line for a link that the settings switch off. */
void link_tell_off(const struct link *l, struct log_sink *log);

/* New settings. When they name another device or rate, the present device is closed first: if the
 * gateway thread has it, link_wants_back() is true from now on. */
void link_configure(struct link *l, const struct settings *settings);

/* The gateway thread is to be asked to give the descriptor up, once; link_detached() follows. */
bool link_wants_back(const struct link *l);

/* Does what is due; state READY means that fd is for the caller to hand over. Returns the next time
 * it wants to be called. */
uint64_t link_step(struct link *l, struct log_sink *log, uint64_t now_ms);

/* CONNECTING: the descriptor and poll() events that make a step due. */
int link_wait_fd(const struct link *l, short *events);

/* WAITING: tries again at once, because the device is known to be there. */
void link_hurry(struct link *l, uint64_t now_ms);

/* The gateway thread has it now. */
void link_attached(struct link *l, struct log_sink *log, uint64_t now_ms);

/* The gateway thread gave it up: closes and plans to open it again. */
void link_detached(struct link *l, const struct thread_report *why, struct log_sink *log,
                   uint64_t now_ms);

/* READY: what to hand over. */
struct link_device link_device(const struct link *l);

/* Begins with a device that the gateway thread has already, opened by services that were abandoned;
 * now to be opened as the settings say, if that is something else. */
void link_take_over(struct link *l, const struct link_device *d, const struct settings *settings,
                    uint64_t now_ms);

/* Closes whatever is open. The gateway thread must not use fd any more. */
void link_close(struct link *l);

/* Of services that were abandoned, called by them when they wake and by those that follow: closes
 * what they had open, but not `kept`, which the gateway thread took along. Touches only l->held. */
void link_close_abandoned(struct link *l, int kept);

/* Opens the BMS device for one command, waiting at most timeout_ms. A descriptor for
 * link_close_once(), or a negative errno with the reason in why. */
int link_open_once(const struct settings *settings, uint64_t timeout_ms, char *why, size_t cap);
void link_close_once(const struct settings *settings, int fd);

/* What a person can do about a device that cannot be opened. Never NULL. */
const char *link_advice(enum link_kind kind, int error);

/* False when the device is not there now, as far as can be told without opening it. */
bool link_exists(const struct link_spec *spec);

#endif
