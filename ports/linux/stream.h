/* SPDX-License-Identifier: MIT */
/* Writing whole messages to a stream that may not take them: a non-blocking tty, socket or pipe.
 *
 * A message is written whole or not at all: what the descriptor took a part of is kept and finished
 * before anything else goes out, and while it is, the next message is refused, not queued. An old
 * request or an old limit must never go out late. */
#ifndef PORTS_LINUX_STREAM_H
#define PORTS_LINUX_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAM_MESSAGE_MAX = 256, STREAM_STALL_MS = 5000 };

struct stream_tx {
    unsigned queue_max; /* refuse while the driver has more bytes than this to send; 0: no limit */
    uint8_t rest[STREAM_MESSAGE_MAX];
    size_t length, sent; /* of rest; equal: nothing is waiting */
    bool blocked;        /* the descriptor has taken nothing since blocked_since_ms */
    uint64_t blocked_since_ms;
};

enum stream_result {
    STREAM_WRITTEN, /* taken: written, or begun and kept */
    STREAM_REFUSED, /* nothing of it was written: dropped */
    STREAM_FAILED,  /* the descriptor is broken: errno */
};

void stream_tx_init(struct stream_tx *tx);

/* Begins with a descriptor. A tty's driver takes thousands of bytes for an adapter that has stopped
 * listening, and sends them when it listens again; queue_max keeps what waits there short. It does
 * not hold for anything but a tty: only there does the kernel count the bytes themselves. */
void stream_tx_attach(struct stream_tx *tx, int fd, unsigned queue_max);

/* n <= STREAM_MESSAGE_MAX bytes to fd. */
enum stream_result stream_tx_write(struct stream_tx *tx, int fd, const void *bytes, size_t n,
                                   uint64_t now_ms);

/* Goes on with a message that is waiting, when poll() says that the descriptor takes bytes. False:
 * the descriptor is broken, errno says how. */
bool stream_tx_flush(struct stream_tx *tx, int fd, uint64_t now_ms);

/* A message is begun and not finished: ask poll() for POLLOUT. */
bool stream_tx_waiting(const struct stream_tx *tx);

/* The descriptor has taken nothing for STREAM_STALL_MS although it was asked to. */
bool stream_tx_stalled(const struct stream_tx *tx, uint64_t now_ms);

#endif
