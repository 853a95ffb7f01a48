/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_message.h"

enum {
    SILENT_MS = 100,       /* who has asked nothing for so long makes room for others */
    RECORD_EVERY_MS = 100, /* new lines are handed on */
    RECORD_CHUNKS_MAX = 4, /* written to one client in one turn */
};

struct client {
    int fd; /* -1: free */
    uint64_t deadline_ms;
    bool waiting; /* for the answer to command `sequence` */
    bool ended;   /* it sends no more, but may still read */
    bool asked;   /* it has sent something since it came */
    bool recording;
    struct recorder_cursor cursor;
    uint32_t sequence;
    size_t in_length;
    size_t out_length, out_sent;
    char in[CONTROL_REQUEST_MAX];
    char out[CONTROL_ANSWER_MAX];
};

struct control {
    int listen_fd;
    struct stat bound; /* the socket's inode, to know later whether it is ours */
    char path[CONTROL_PATH_MAX];
    struct control_backend backend;
    struct log_sink *log;
    struct client client[CONTROL_CLIENTS_MAX];
};

/* ---- the socket ---- */

#define SYSTEM_DIRECTORY "/run/tinybms-gw"

const char control_system_path[] = SYSTEM_DIRECTORY "/control.sock";

bool control_path(const char *setting, char path[CONTROL_PATH_MAX]) {
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int n = 0;
    if (setting[0] != '\0') {
        n = snprintf(path, CONTROL_PATH_MAX, "%s", setting);
    } else if (runtime != NULL && runtime[0] == '/') {
        n = snprintf(path, CONTROL_PATH_MAX, "%s/tinybms-gw.sock", runtime);
    } else {
        n = snprintf(path, CONTROL_PATH_MAX, "%s", control_system_path);
    }
    return n > 0 && n < CONTROL_PATH_MAX;
}

/* 0: nothing lives there; -EADDRINUSE: a gateway answers. */
static int probe(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                (errno == ECONNREFUSED || errno == ENOENT);
    (void)close(fd);
    return dead ? 0 : -EADDRINUSE;
}

/* The inode is c's socket: while that is open its number is nobody else's. */
static bool is_bound(const struct control *c, const struct stat *st) {
    return st->st_dev == c->bound.st_dev && st->st_ino == c->bound.st_ino;
}

/* Removes a dead gateway's socket, or that of services that were abandoned, and nothing else. Two
 * gateways that start in the same instant can both come through: the later one has the path, the
 * other one runs without. */
static int clear_path(const struct sockaddr_un *address, const struct control *before) {
    struct stat st;
    if (lstat(address->sun_path, &st) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(st.st_mode)) {
        return -EEXIST;
    }
    int err = before != NULL && is_bound(before, &st) ? 0 : probe(address);
    if (err != 0) {
        return err;
    }
    return unlink(address->sun_path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* The inode takes its mode from the socket's (less the umask): closed until it is as it shall be.
 */
static int bind_and_listen(struct control *c, const struct sockaddr_un *address) {
    if (fchmod(c->listen_fd, 0600) != 0 ||
        bind(c->listen_fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        return -errno;
    }
    if (lstat(c->path, &c->bound) != 0 || chmod(c->path, 0660) != 0 ||
        listen(c->listen_fd, CONTROL_CLIENTS_MAX) != 0) {
        int err = -errno;
        (void)unlink(c->path);
        return err;
    }
    return 0;
}

int control_open(struct control **out, const char *path, const struct control_backend *backend,
                 struct log_sink *log) {
    return control_open_after(out, path, backend, log, NULL);
}

int control_open_after(struct control **out, const char *path,
                       const struct control_backend *backend, struct log_sink *log,
                       const struct control *before) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    memcpy(address.sun_path, path, n + 1);
    if (strcmp(path, control_system_path) == 0) {
        (void)mkdir(SYSTEM_DIRECTORY, 0755); /* if it cannot be made, bind() says so */
    }
    int err = clear_path(&address, before);
    if (err != 0) {
        return err;
    }
    struct control *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return -ENOMEM;
    }
    memcpy(c->path, path, n + 1);
    c->backend = *backend;
    c->log = log;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        c->client[i].fd = -1;
    }
    c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    err = c->listen_fd < 0 ? -errno : bind_and_listen(c, &address);
    if (err != 0) {
        if (c->listen_fd >= 0) {
            (void)close(c->listen_fd);
        }
        free(c);
        return err;
    }
    *out = c;
    return 0;
}

static void drop(struct client *k) {
    (void)close(k->fd);
    k->fd = -1;
    k->recording = false;
}

void control_leave(struct control *c) {
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (c->client[i].fd >= 0) {
            drop(&c->client[i]);
        }
    }
    (void)close(c->listen_fd);
}

void control_close(struct control *c) {
    struct stat st;
    if (lstat(c->path, &st) == 0 && is_bound(c, &st)) {
        (void)unlink(c->path);
    }
    control_leave(c);
    control_free(c);
}

void control_free(struct control *c) {
    free(c);
}

/* ---- one client ---- */

static void send_out(struct client *k, uint64_t now_ms) {
    while (k->out_sent < k->out_length) {
        ssize_t n = send(k->fd, k->out + k->out_sent, k->out_length - k->out_sent,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
                drop(k);
            }
            return;
        }
        k->out_sent += (size_t)n;
    }
    k->out_length = k->out_sent = 0;
    k->deadline_ms = k->recording ? now_ms : now_ms + CONTROL_PATIENCE_MS;
    if (k->ended && !k->recording) {
        drop(k);
    }
}

/* Hands on what there is for one who records. */
static void send_recording(struct control *c, struct client *k, uint64_t now_ms) {
    const struct gateway_snapshot *s = c->backend.snapshot(c->backend.context);
    for (int i = 0; i < RECORD_CHUNKS_MAX && k->fd >= 0 && k->out_length == 0; i++) {
        k->out_length = recorder_read(c->backend.recorder, &k->cursor, s != NULL ? &s->image : NULL,
                                      k->out, sizeof k->out);
        if (k->out_length != 0) {
            send_out(k, now_ms);
        } else if (recorder_ended(&k->cursor)) {
            drop(k);
        } else {
            k->deadline_ms = now_ms + RECORD_EVERY_MS;
            return;
        }
    }
    k->deadline_ms = now_ms;
}

/* Who changes something is on record. */
static void audit(struct control *c, const struct client *k,
                  const struct gateway_command *command) {
    struct ucred who = {0};
    socklen_t n = sizeof who;
    (void)getsockopt(k->fd, SOL_SOCKET, SO_PEERCRED, &who, &n);
    switch (command->kind) {
    case GATEWAY_READ_REGISTERS:
        break;
    case GATEWAY_WRITE_REGISTER:
        log_sink_write(c->log, LOG_INFO, "control", "write register=%u value=%u uid=%u pid=%d",
                       command->addr, command->raw, (unsigned)who.uid, (int)who.pid);
        break;
    case GATEWAY_RESET_BMS:
        log_sink_write(c->log, LOG_INFO, "control", "reset option=%u uid=%u pid=%d",
                       command->option, (unsigned)who.uid, (int)who.pid);
        break;
    }
}

static void submit(struct control *c, struct client *k, const struct gateway_command *command) {
    int err = c->backend.submit(c->backend.context, command, &k->sequence);
    if (err != GW_OK) {
        k->out_length = control_print_error(err, gw_err_text(err), k->out, sizeof k->out);
        return;
    }
    k->waiting = true;
    audit(c, k, command);
}

static void begin_recording(struct control *c, struct client *k,
                            const struct control_request *request) {
    int recording = 0;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        recording += c->client[i].recording;
    }
    if (c->backend.recorder == NULL || recording >= CONTROL_RECORDERS_MAX) {
        k->out_length =
            control_print_error(GW_ERR_BUSY, "too many record already", k->out, sizeof k->out);
        return;
    }
    k->recording = true;
    recorder_begin(c->backend.recorder, request->recording.from, request->recording.live,
                   &k->cursor);
    k->out_length = control_print_recording(k->out, sizeof k->out);
}

static void answer_line(struct control *c, struct client *k, size_t length) {
    struct control_request request;
    const char *why = "";
    int err = control_parse_request(k->in, length, &request, &why);
    if (err != GW_OK) {
        k->out_length = control_print_error(err, why, k->out, sizeof k->out);
    } else if (request.record) {
        begin_recording(c, k, &request);
    } else if (!request.status) {
        submit(c, k, &request.command);
    } else {
        const struct gateway_snapshot *s = c->backend.snapshot(c->backend.context);
        struct can_status can = {.state = CAN_BUS_UNKNOWN};
        if (c->backend.can_status != NULL) {
            c->backend.can_status(c->backend.context, &can);
        }
        k->out_length =
            s != NULL ? control_print_status(s, &can, k->out, sizeof k->out)
                      : control_print_error(GW_ERR_BUSY, "just started", k->out, sizeof k->out);
    }
}

/* Answers the lines that are whole, one at a time. */
static void answer_input(struct control *c, struct client *k, uint64_t now_ms) {
    while (k->fd >= 0 && !k->waiting && !k->recording && k->out_length == 0) {
        const char *end = memchr(k->in, '\n', k->in_length);
        if (end == NULL) {
            if (k->in_length == sizeof k->in) {
                drop(k);
            }
            return;
        }
        size_t length = (size_t)(end - k->in);
        answer_line(c, k, length);
        k->in_length -= length + 1;
        memmove(k->in, end + 1, k->in_length);
        k->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
        send_out(k, now_ms);
    }
}

static void receive(struct control *c, struct client *k, uint64_t now_ms) {
    if (k->in_length == sizeof k->in) {
        return; /* busy with the line before */
    }
    ssize_t n = recv(k->fd, k->in + k->in_length, sizeof k->in - k->in_length, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (n < 0 || (n == 0 && !k->waiting && !k->recording)) {
        drop(k);
        return;
    }
    k->ended = n == 0;
    k->asked = true;
    k->in_length += (size_t)n;
    answer_input(c, k, now_ms);
}

/* A place for a newcomer: a free one, or that of the client that has said nothing for longest. */
static struct client *find_place(struct control *c, uint64_t now_ms) {
    struct client *silent = NULL;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *k = &c->client[i];
        if (k->fd < 0) {
            return k;
        }
        bool may_go = !k->asked && now_ms + CONTROL_PATIENCE_MS >= k->deadline_ms + SILENT_MS;
        if (may_go && (silent == NULL || k->deadline_ms < silent->deadline_ms)) {
            silent = k;
        }
    }
    if (silent != NULL) {
        drop(silent);
    }
    return silent;
}

static void accept_one(struct control *c, uint64_t now_ms) {
    int fd = accept4(c->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    struct client *k = find_place(c, now_ms);
    if (k == NULL) {
        static const char busy[] = "{\"ok\":false,\"code\":-3,\"error\":\"too many clients\"}\n";
        (void)send(fd, busy, sizeof busy - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)close(fd);
        return;
    }
    k->fd = fd;
    k->waiting = k->ended = k->asked = k->recording = false;
    k->in_length = k->out_length = k->out_sent = 0;
    k->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
}

/* ---- the loop's part ---- */

static short wanted_events(const struct client *k) {
    if (k->out_length != 0) {
        return POLLOUT;
    }
    return k->in_length < sizeof k->in && !k->ended ? POLLIN : 0;
}

size_t control_poll_fds(const struct control *c, struct pollfd *p, uint64_t *deadline_ms) {
    p[0] = (struct pollfd){.fd = c->listen_fd, .events = POLLIN};
    *deadline_ms = UINT64_MAX;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct client *k = &c->client[i];
        p[i + 1] = (struct pollfd){.fd = k->fd, .events = wanted_events(k)};
        bool blocked = k->recording && k->out_length != 0; /* it may take its time */
        if (k->fd >= 0 && !k->waiting && !blocked && k->deadline_ms < *deadline_ms) {
            *deadline_ms = k->deadline_ms;
        }
    }
    return CONTROL_POLL_FDS;
}

void control_serve(struct control *c, const struct pollfd *p, size_t n, uint64_t now_ms) {
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX && i + 1 < n; i++) {
        struct client *k = &c->client[i];
        if (k->fd < 0 || k->fd != p[i + 1].fd) {
            continue;
        }
        short events = p[i + 1].revents;
        if ((events & POLLOUT) != 0) {
            send_out(k, now_ms);
            if (k->fd >= 0) {
                answer_input(c, k, now_ms);
            }
        } else if ((events & POLLIN) != 0) {
            receive(c, k, now_ms);
        } else if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            drop(k);
        }
        if (k->recording && k->out_length == 0 && now_ms >= k->deadline_ms) {
            send_recording(c, k, now_ms);
        } else if (k->fd >= 0 && !k->waiting && !k->recording && now_ms >= k->deadline_ms) {
            drop(k);
        }
    }
    if (n > 0 && (p[0].revents & POLLIN) != 0) {
        accept_one(c, now_ms);
    }
}

void control_handle_answer(struct control *c, const struct gateway_answer *a, uint64_t now_ms) {
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *k = &c->client[i];
        if (k->fd >= 0 && k->waiting && k->sequence == a->sequence) {
            k->waiting = false;
            k->out_length = control_print_answer(a, k->out, sizeof k->out);
            k->deadline_ms = now_ms + CONTROL_PATIENCE_MS;
            send_out(k, now_ms);
            if (k->fd >= 0) {
                answer_input(c, k, now_ms);
            }
            return;
        }
    }
}
