/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "stream.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void stream_tx_init(struct stream_tx *tx) {
    memset(tx, 0, sizeof *tx);
}

void stream_tx_attach(struct stream_tx *tx, int fd, unsigned queue_max) {
    stream_tx_init(tx);
    tx->queue_max = isatty(fd) ? queue_max : 0;
}

bool stream_tx_waiting(const struct stream_tx *tx) {
    return tx->sent != tx->length;
}

static bool queue_is_long(const struct stream_tx *tx, int fd) {
    int queued = 0;
    return tx->queue_max != 0 && ioctl(fd, TIOCOUTQ, &queued) == 0 && queued > 0 &&
           (unsigned)queued > tx->queue_max;
}

/* write(2) whose "not now" is 0. The process ignores SIGPIPE. */
static ssize_t try_write(struct stream_tx *tx, int fd, const uint8_t *bytes, size_t n,
                         uint64_t now_ms) {
    ssize_t written = queue_is_long(tx, fd) ? 0 : write(fd, bytes, n);
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        written = 0;
    }
    if (written > 0) {
        tx->blocked = false;
    } else if (written == 0 && !tx->blocked) {
        tx->blocked = true;
        tx->blocked_since_ms = now_ms;
    }
    return written;
}

bool stream_tx_flush(struct stream_tx *tx, int fd, uint64_t now_ms) {
    if (!stream_tx_waiting(tx)) {
        return true;
    }
    ssize_t written = try_write(tx, fd, tx->rest + tx->sent, tx->length - tx->sent, now_ms);
    if (written < 0) {
        return false;
    }
    tx->sent += (size_t)written;
    return true;
}

enum stream_result stream_tx_write(struct stream_tx *tx, int fd, const void *bytes, size_t n,
                                   uint64_t now_ms) {
    assert(n <= sizeof tx->rest);
    if (!stream_tx_flush(tx, fd, now_ms)) {
        return STREAM_FAILED;
    }
    if (stream_tx_waiting(tx)) {
        return STREAM_REFUSED;
    }
    ssize_t written = try_write(tx, fd, bytes, n, now_ms);
    if (written < 0) {
        return STREAM_FAILED;
    }
    if (written == 0) {
        return STREAM_REFUSED;
    }
    tx->length = n - (size_t)written;
    tx->sent = 0;
    memcpy(tx->rest, (const uint8_t *)bytes + written, tx->length);
    return STREAM_WRITTEN;
}

bool stream_tx_stalled(const struct stream_tx *tx, uint64_t now_ms) {
    return tx->blocked && now_ms - tx->blocked_since_ms >= STREAM_STALL_MS;
}
