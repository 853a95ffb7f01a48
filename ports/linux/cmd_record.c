/* SPDX-License-Identifier: MIT */
/* `tinybms-gw record`: asks the running gateway for its traffic and appends it to a file. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "commands.h"
#include "control_client.h"
#include "options.h"
#include "recording.h"
#include "stop.h"

enum { SECONDS, LAST_ONLY };

static const struct options_own own[] = {
    [SECONDS] = {"seconds", '\0', 1, 31536000,
                 "      --seconds N      end after N seconds; otherwise with Ctrl-C\n"},
    [LAST_ONLY] = {"last-only", '\0', 0, 0,
                   "      --last-only      nothing but the last minutes, then end\n"},
};

static const struct options_help help = {
    .usage = "record FILE [--seconds N | --last-only] [-c FILE] [--set KEY=VALUE]...",
    .text = "Appends the traffic of the running gateway to FILE, - is standard output: first the\n"
            "last minutes, which a gateway always keeps, then what happens from now on. UART\n"
            "and CAN with times to the microsecond, as text; the lines of can0 are a candump\n"
            "log. `tinybms-gw replay FILE` runs the core on it. The configuration is read only\n"
            "to find the control socket.\n",
    .config = true,
    .operands = true,
    .mixed = true,
    .own = own,
    .own_rows = sizeof own / sizeof own[0],
};

enum {
    BUFFER_BYTES = 65536,
    TAIL_BYTES = 8 * RECORDER_PLACE_EVERY, /* a "place" line is in there */
    PROGRESS_MS = 500,
    ANSWER_BYTES = 1024,
};

struct job {
    const char *path;
    int fd;    /* of FILE; -1: not there yet */
    bool torn; /* its last line has no end */
    char token[RECORDER_TOKEN_MAX + 1];
    uint64_t lines, bytes;
    uint64_t start_ms, end_ms, progress_ms;
    bool terminal;
    char buffer[BUFFER_BYTES]; /* whole lines go out, the rest of one stays */
    size_t n;
};

static int fail(const struct job *j, const char *problem) {
    (void)fprintf(stderr, "tinybms-gw record: %s: %s\n", j->path, problem);
    return EXIT_FAILED;
}

/* ---- the file ---- */

/* Goes through the last lines and leaves in the token where the recording has come to. */
static void find_place(struct job *j, const char *text, size_t n) {
    struct recording_line line;
    struct recording_header place = {.event = 0};
    bool known = false;
    for (size_t i = 0; i < n;) {
        const char *end = memchr(text + i, '\n', n - i);
        if (end == NULL) {
            break;
        }
        if (recording_parse(text + i, (size_t)(end - text) - i, &line)) {
            if (line.kind == RECORDING_HEADER || line.kind == RECORDING_PLACE) {
                place = line.header;
                known = true;
            }
            place.event += recording_events(&line);
        }
        i = (size_t)(end - text) + 1;
    }
    if (known) {
        (void)snprintf(j->token, sizeof j->token, "%s:%" PRIu64, place.gateway, place.event);
    }
}

/* Looks at a file that is there: 0, or the exit status. */
static int read_end(struct job *j, off_t size) {
    static char tail[TAIL_BYTES];
    static const char words[] = "# tinybms-gw recording format=1 ";
    char first[sizeof words - 1];
    if (pread(j->fd, first, sizeof first, 0) != (ssize_t)sizeof first ||
        memcmp(first, words, sizeof first) != 0) {
        return fail(j, "is something else than a recording of this format: nothing is appended");
    }
    off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t n = pread(j->fd, tail, sizeof tail, from);
    if (n <= 0) {
        return fail(j, n < 0 ? strerror(errno) : "cannot be read");
    }
    j->torn = tail[n - 1] != '\n';
    find_place(j, tail, (size_t)n);
    return EXIT_DONE;
}

/* Opens FILE if it is there; a device is not even opened. 0, or the exit status. */
static int open_existing(struct job *j) {
    struct stat st;
    if (strcmp(j->path, "-") == 0) {
        j->fd = STDOUT_FILENO;
        return EXIT_DONE;
    }
    if (stat(j->path, &st) != 0) {
        return errno == ENOENT ? EXIT_DONE : fail(j, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fail(j, "not a regular file; write to standard output with -");
    }
    j->fd = open(j->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (j->fd < 0 || fstat(j->fd, &st) != 0) {
        return fail(j, strerror(errno));
    }
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
        return fail(j, errno == EWOULDBLOCK ? "another one records into it" : strerror(errno));
    }
    return S_ISREG(st.st_mode) && st.st_size > 0 ? read_end(j, st.st_size) : EXIT_DONE;
}

static int create(struct job *j) {
    j->fd = open(j->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    return j->fd >= 0 && flock(j->fd, LOCK_EX | LOCK_NB) == 0 ? EXIT_DONE
                                                              : fail(j, strerror(errno));
}

static bool write_all(int fd, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno != EINTR && errno != EAGAIN) {
            return false;
        }
        if (done < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, PROGRESS_MS);
        } else if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
    return true;
}

/* ---- the gateway ---- */

static int connect_gateway(struct options *options, int *fd) {
    char path[CONTROL_PATH_MAX];
    struct settings settings;
    int status = options_settings(options, "record", &settings);
    if (status != 0) {
        return status;
    }
    *fd = control_client_connect(settings.advanced.control_socket, path);
    if (*fd < 0) {
        (void)fprintf(stderr, "tinybms-gw record: %s: %s\n", path,
                      *fd == -ESRCH ? "no gateway is running; start one with tinybms-gw run"
                                    : strerror(-*fd));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static int begin(struct job *j, int gateway, bool live) {
    char line[ANSWER_BYTES], why[256];
    struct control_request request = {.record = true, .recording = {.live = live}};
    memcpy(request.recording.from, j->token, sizeof request.recording.from);
    int n = control_client_ask_line(gateway, &request, line, sizeof line);
    if (n < 0) {
        (void)fprintf(stderr, "tinybms-gw record: the gateway does not answer: %s\n", strerror(-n));
        return EXIT_FAILED;
    }
    if (!control_answer_ok(line, (size_t)n, why, sizeof why)) {
        (void)fprintf(stderr, "tinybms-gw record: the gateway refuses: %s\n", why);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

/* ---- the stream ---- */

static void show_progress(struct job *j, uint64_t now_ms) {
    if (j->terminal && now_ms >= j->progress_ms) {
        j->progress_ms = now_ms + PROGRESS_MS;
        (void)fprintf(stderr, "\r%" PRIu64 " lines, %.1f MB, %" PRIu64 " s; Ctrl-C ends it ",
                      j->lines, (double)j->bytes / 1e6, (now_ms - j->start_ms) / 1000);
    }
}

/* Writes the whole lines that have come. */
static bool put_lines(struct job *j) {
    const char *last = memrchr(j->buffer, '\n', j->n);
    if (last == NULL) {
        return true;
    }
    size_t n = (size_t)(last + 1 - j->buffer);
    if (!write_all(j->fd, j->buffer, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        j->lines += j->buffer[i] == '\n';
    }
    j->bytes += n;
    j->n -= n;
    memmove(j->buffer, last + 1, j->n);
    return true;
}

/* 1: go on; 0: the gateway has ended it; -1: it could not be written. */
static int move(struct job *j, int gateway) {
    ssize_t n = recv(gateway, j->buffer + j->n, sizeof j->buffer - j->n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return 1;
    }
    if (n <= 0) {
        return 0;
    }
    j->n += (size_t)n;
    if (!put_lines(j)) {
        return -1;
    }
    errno = EPROTO; /* a line that fills all of the buffer is none of a gateway's */
    return j->n < sizeof j->buffer ? 1 : -1;
}

static int record(struct job *j, int gateway, int stop, bool live) {
    j->start_ms = j->progress_ms = clock_now_ms();
    j->end_ms += j->end_ms != 0 ? j->start_ms : UINT64_MAX;
    for (;;) {
        uint64_t now_ms = clock_now_ms();
        struct pollfd p[] = {{.fd = gateway, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
        if (now_ms >= j->end_ms) {
            return EXIT_DONE;
        }
        show_progress(j, now_ms);
        uint64_t rest_ms = j->end_ms - now_ms;
        if (poll(p, 2, rest_ms < PROGRESS_MS ? (int)rest_ms : PROGRESS_MS) < 0) {
            continue;
        }
        int moved = p[0].revents != 0 ? move(j, gateway) : 1;
        if (moved < 0) {
            return fail(j, strerror(errno));
        }
        if (p[1].revents != 0 || (moved == 0 && !live)) {
            return EXIT_DONE;
        }
        if (moved == 0) {
            return fail(j, "the gateway has stopped; what came until then is recorded");
        }
    }
}

static int run(struct job *j, struct options *options) {
    int gateway = -1;
    const bool live = !options->own[LAST_ONLY];
    int status = open_existing(j);
    if (status == EXIT_DONE) {
        status = connect_gateway(options, &gateway);
    }
    int stop = status == EXIT_DONE ? stop_open() : -1; /* from here on files end with whole lines */
    if (status == EXIT_DONE) {
        status = begin(j, gateway, live);
    }
    if (status == EXIT_DONE && j->fd < 0) {
        status = create(j);
    }
    if (status == EXIT_DONE && j->torn && !write_all(j->fd, "~\n", 2)) {
        status = fail(j, strerror(errno));
    }
    if (status == EXIT_DONE) {
        status = record(j, gateway, stop, live);
        (void)fprintf(stderr, "%stinybms-gw record: %" PRIu64 " lines, %" PRIu64 " bytes\n",
                      j->terminal ? "\r\x1b[K" : "", j->lines, j->bytes);
    }
    if (gateway >= 0) {
        (void)close(gateway);
    }
    return status;
}

int cmd_record(int argc, char **argv) {
    static struct job job;
    struct options options;
    int status = options_parse(&options, argc, argv, &help);
    if (status >= 0) {
        return status;
    }
    if (options.first != argc - 1 || (options.own[SECONDS] && options.own[LAST_ONLY])) {
        (void)fprintf(stderr, "tinybms-gw record: %s\nTry: tinybms-gw record --help\n",
                      options.first != argc - 1 ? "one FILE is needed, or - for standard output"
                                                : "--seconds and --last-only exclude each other");
        return EXIT_USAGE;
    }
    job.path = argv[options.first];
    job.fd = -1;
    job.end_ms = options.own_number[SECONDS] * UINT64_C(1000);
    job.terminal = isatty(STDERR_FILENO) && strcmp(job.path, "-") != 0;
    status = run(&job, &options);
    if (job.fd > STDERR_FILENO && close(job.fd) != 0) {
        status = fail(&job, strerror(errno));
    }
    return status;
}
