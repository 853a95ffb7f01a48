/* SPDX-License-Identifier: MIT */
/* The guard on the gateway thread, for the program tinybms-gw-guard of the tests: what must never
 * happen on that thread ends the program with a line that names it.
 *
 * Two nets. Functions: those that can wait without a system call (a lock nobody else has, memory
 * from a free list, a buffered stream) or that must not be given a foreign descriptor are replaced
 * by the linker (--wrap, and for the allocator by definitions of our own, so that calls from inside
 * the C library count). System calls: a seccomp filter of this one thread lets through what the
 * loop consists of and nothing else; whatever library function makes the call is caught.
 *
 * And what the tests ask of the threads through files in the folder TINYBMS_GW_TEST_DIR:
 *
 *   hold       the services thread that sees it first stays where it is for as long as it is there
 *   hold-all   so does every other one
 *   violate    the gateway thread does what the file names
 *
 * TINYBMS_GW_TEST_PATIENCE_PERCENT shortens how long a thread may stand still. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "gateway_thread.h"
#include "test_hooks.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static _Thread_local const struct gateway_thread *guarded; /* on the gateway thread alone */

ssize_t __real_write(int fd, const void *bytes, size_t n);

static void say(const char *text) {
    (void)!__real_write(STDERR_FILENO, text, strlen(text));
}

static void fail(const char *what) {
    guarded = NULL;
    say("guard: the gateway thread called ");
    say(what);
    say("\n");
    abort();
}

static void forbid(const char *what) {
    if (guarded != NULL) {
        fail(what);
    }
}

static bool is_own(int fd) {
    const struct gateway_thread *t = guarded;
    return t == NULL || fd == t->wake_fd || fd == t->timer_fd || fd == t->channel->services_fd ||
           fd == t->uart.fd || fd == t->can.fd || fd == t->device[PORT_UART].fd ||
           fd == t->device[PORT_CAN].fd;
}

/* ---- functions that it must not call ---- */

#define FORBIDDEN(type, name, parameters, arguments)                                               \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        forbid(#name);                                                                             \
        return __real_##name arguments;                                                            \
    }

/* clang-format off */
FORBIDDEN(int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
FORBIDDEN(int, pthread_mutex_trylock, (pthread_mutex_t *m), (m))
FORBIDDEN(int, pthread_mutex_unlock, (pthread_mutex_t *m), (m))
FORBIDDEN(int, pthread_mutex_timedlock, (pthread_mutex_t *m, const struct timespec *t), (m, t))
FORBIDDEN(int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
FORBIDDEN(int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))
FORBIDDEN(int, pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m), (c, m))
FORBIDDEN(int, pthread_cond_signal, (pthread_cond_t *c), (c))
FORBIDDEN(int, pthread_cond_broadcast, (pthread_cond_t *c), (c))
FORBIDDEN(int, pthread_create, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *p), (t, a, f, p))
FORBIDDEN(int, pthread_join, (pthread_t t, void **r), (t, r))
FORBIDDEN(int, close, (int fd), (fd))
FORBIDDEN(FILE *, fopen, (const char *path, const char *mode), (path, mode))
FORBIDDEN(int, fclose, (FILE *f), (f))
FORBIDDEN(int, fflush, (FILE *f), (f))
FORBIDDEN(int, fputs, (const char *text, FILE *f), (text, f))
FORBIDDEN(int, fputc, (int c, FILE *f), (c, f))
FORBIDDEN(int, puts, (const char *text), (text))
FORBIDDEN(size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f), (p, size, n, f))
FORBIDDEN(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
FORBIDDEN(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
FORBIDDEN(int, getaddrinfo, (const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **list), (host, port, hints, list))
FORBIDDEN(int, nanosleep, (const struct timespec *t, struct timespec *rest), (t, rest))
FORBIDDEN(int, usleep, (useconds_t us), (us))
FORBIDDEN(unsigned, sleep, (unsigned s), (s))
FORBIDDEN(int, fsync, (int fd), (fd))
FORBIDDEN(int, rename, (const char *from, const char *to), (from, to))
FORBIDDEN(int, unlink, (const char *path), (path))
FORBIDDEN(struct tm *, gmtime_r, (const time_t *t, struct tm *out), (t, out)) /* takes a lock */
FORBIDDEN(struct tm *, localtime_r, (const time_t *t, struct tm *out), (t, out))
/* clang-format on */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    forbid("open");
    return __real_open(path, flags, mode);
}

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    forbid("openat");
    return __real_openat(folder, path, flags, mode);
}

int __wrap_fprintf(FILE *f, const char *format, ...);
int __wrap_fprintf(FILE *f, const char *format, ...) {
    va_list arguments;
    forbid("fprintf");
    va_start(arguments, format);
    int n = vfprintf(f, format, arguments);
    va_end(arguments);
    return n;
}

int __wrap_printf(const char *format, ...);
int __wrap_printf(const char *format, ...) {
    va_list arguments;
    forbid("printf");
    va_start(arguments, format);
    int n = vprintf(format, arguments);
    va_end(arguments);
    return n;
}

/* ---- functions that it may call with a descriptor of its own ---- */

#define OWN_ONLY(type, name, parameters, arguments)                                                \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        if (!is_own(fd)) {                                                                         \
            fail(#name " with a foreign descriptor");                                              \
        }                                                                                          \
        return __real_##name arguments;                                                            \
    }

/* clang-format off */
OWN_ONLY(ssize_t, read, (int fd, void *bytes, size_t n), (fd, bytes, n))
OWN_ONLY(ssize_t, write, (int fd, const void *bytes, size_t n), (fd, bytes, n))
OWN_ONLY(ssize_t, send, (int fd, const void *bytes, size_t n, int flags), (fd, bytes, n, flags))
OWN_ONLY(ssize_t, recv, (int fd, void *bytes, size_t n, int flags), (fd, bytes, n, flags))
OWN_ONLY(int, eventfd_write, (int fd, eventfd_t n), (fd, n))
OWN_ONLY(int, timerfd_settime, (int fd, int flags, const struct itimerspec *t, struct itimerspec *old), (fd, flags, t, old))
/* clang-format on */

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *p = va_arg(arguments, void *);
    va_end(arguments);
    if (!is_own(fd)) {
        fail("ioctl with a foreign descriptor");
    }
    return __real_ioctl(fd, request, p);
}

/* ---- the allocator ---- */

#if SANITIZED
FORBIDDEN(void *, malloc, (size_t n), (n))
FORBIDDEN(void *, calloc, (size_t n, size_t size), (n, size))
FORBIDDEN(void *, realloc, (void *p, size_t n), (p, n))
void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p) {
    forbid("free");
    __real_free(p);
}
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

void *malloc(size_t n) {
    forbid("malloc");
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
    forbid("calloc");
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n) {
    forbid("realloc");
    return __libc_realloc(p, n);
}

void free(void *p) {
    forbid("free");
    __libc_free(p);
}
#endif

/* ---- system calls ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#if !SANITIZED && defined(ARCHITECTURE)

static void on_forbidden_call(int signal, siginfo_t *info, void *context) {
    char text[] = "system call 0000";
    int number = info->si_syscall;
    (void)signal;
    (void)context;
    for (size_t i = sizeof text - 2; number > 0; i--, number /= 10) {
        text[i] = (char)('0' + number % 10);
    }
    fail(text);
}

#define ALLOW(number)                                                                              \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                           \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* The loop, what the C library needs for a clock where there is no vDSO, the way to abort(), and
 * the end of a thread. No futex: a lock that somebody has is seen here. */
static void filter_system_calls(void) {
    static struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_read),
        ALLOW(SYS_write),
#ifdef SYS_poll
        ALLOW(SYS_poll),
#endif
        ALLOW(SYS_ppoll),
        ALLOW(SYS_timerfd_settime),
        ALLOW(SYS_ioctl),
        ALLOW(SYS_clock_gettime),
        ALLOW(SYS_rt_sigreturn),
        ALLOW(SYS_rt_sigprocmask),
        ALLOW(SYS_getpid),
        ALLOW(SYS_gettid),
        ALLOW(SYS_tgkill),
        ALLOW(SYS_madvise),
        ALLOW(SYS_exit),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    const struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    const struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGSYS);
    (void)sigaction(SIGSYS, &action, NULL);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0) {
        say("guard: no filter of system calls on this machine\n");
    } else {
        say("guard: system calls of the gateway thread are filtered\n");
    }
}

#else

static void filter_system_calls(void) {
    say("guard: system calls of the gateway thread are not filtered in this build\n");
}

#endif

/* ---- what the tests ask for ---- */

enum violation {
    NO_VIOLATION,
    DO_MALLOC,
    DO_LIBRARY_MALLOC,
    DO_FREE,
    DO_LOCK,
    DO_OPEN,
    DO_FOPEN,
    DO_WRITE,
    DO_STREAM,
    DO_RESOLVE,
    DO_SLEEP,
    DO_STAT,
    DO_FUTEX,
    DO_SPIN,
};

static const char *const violation_name[] = {
    [DO_MALLOC] = "malloc",   [DO_LIBRARY_MALLOC] = "library-malloc",
    [DO_FREE] = "free",       [DO_LOCK] = "lock",
    [DO_OPEN] = "open",       [DO_FOPEN] = "fopen",
    [DO_WRITE] = "write",     [DO_STREAM] = "stream",
    [DO_RESOLVE] = "resolve", [DO_SLEEP] = "sleep",
    [DO_STAT] = "stat",       [DO_FUTEX] = "futex",
    [DO_SPIN] = "spin",
};

static _Atomic int wanted;
static _Atomic bool held;

static bool path_of(const char *name, char *path, size_t cap) {
    const char *folder = getenv("TINYBMS_GW_TEST_DIR");
    return folder != NULL && snprintf(path, cap, "%s/%s", folder, name) < (int)cap;
}

static bool is_there(const char *name) {
    char path[512];
    return path_of(name, path, sizeof path) && access(path, F_OK) == 0;
}

static int wanted_violation(void) {
    char path[512], word[32] = "";
    if (!path_of("violate", path, sizeof path)) {
        return NO_VIOLATION;
    }
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return NO_VIOLATION;
    }
    bool any = fgets(word, sizeof word, f) != NULL;
    (void)fclose(f);
    for (size_t i = 1; any && i < sizeof violation_name / sizeof violation_name[0]; i++) {
        if (strcmp(word, violation_name[i]) == 0) {
            return (int)i;
        }
    }
    return NO_VIOLATION;
}

void test_hook_hold_services(void) {
    bool first = false;
    atomic_store(&wanted, wanted_violation());
    while (is_there("hold-all") || (is_there("hold") && (first || !atomic_exchange(&held, true)))) {
        first = !is_there("hold-all");
        (void)poll(NULL, 0, 20);
        atomic_store(&wanted, wanted_violation());
    }
    if (first) {
        atomic_store(&held, false);
    }
}

uint64_t test_hook_patience_ms(uint64_t ms) {
    static _Atomic int percent = -1;
    int now = atomic_load(&percent);
    if (now < 0) {
        const char *text = getenv("TINYBMS_GW_TEST_PATIENCE_PERCENT");
        now = text != NULL ? atoi(text) : 100;
        atomic_store(&percent, now);
    }
    return ms * (uint64_t)now / 100;
}

void test_hook_gateway_begins(const struct gateway_thread *t) {
    (void)test_hook_patience_ms(0); /* getenv() once, here */
    filter_system_calls();
    guarded = t;
}

void test_hook_gateway_ends(void) {
    guarded = NULL;
}

static void violate(enum violation v) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static int word = 1;
    static void *volatile memory;
    struct addrinfo *list = NULL;
    switch (v) {
    case NO_VIOLATION:
        break;
    case DO_MALLOC:
        memory = malloc(16);
        break;
    case DO_LIBRARY_MALLOC:
        memory = strdup("x"); /* malloc() is called from inside the C library */
        break;
    case DO_FREE:
        free(memory);
        break;
    case DO_LOCK:
        (void)pthread_mutex_lock(&lock); /* free, so no system call is made */
        break;
    case DO_OPEN:
        (void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
        break;
    case DO_FOPEN:
        memory = fopen("/dev/null", "re");
        break;
    case DO_WRITE:
        (void)!write(STDERR_FILENO, "x", 1);
        break;
    case DO_STREAM:
        (void)fputs("x", stdout); /* buffered */
        break;
    case DO_RESOLVE:
        (void)getaddrinfo("localhost", "1", NULL, &list);
        break;
    case DO_SLEEP:
        (void)usleep(1);
        break;
    case DO_STAT:
        (void)access("/", F_OK); /* of which the linker knows nothing */
        break;
    case DO_FUTEX: /* what waiting for a lock comes down to */
        (void)syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, NULL, 0);
        break;
    case DO_SPIN:
        while (atomic_load(&wanted) == DO_SPIN) {
        }
        break;
    }
}

void test_hook_gateway_turn(void) {
    violate((enum violation)atomic_load(&wanted));
}
