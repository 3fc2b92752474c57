/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/supervise.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct kept {
    struct kept *next;
    struct bo_supervisor *owner;
    struct bo_child what;
    uv_process_t *process; /* NULL while it does not run */
    uv_timer_t *timer;     /* to start it again, or to kill it */
    int64_t started_us;
    uint64_t wait_ms;
};

/* A child of the version before. It is not libuv's, so it is looked after by asking. */
struct adopted {
    struct adopted *next;
    char name[32];
    pid_t pid; /* 0: it has ended */
    int fds[BO_CHILD_FDS];
};

struct bo_supervisor {
    uv_loop_t *loop;
    struct kept *children;
    struct adopted *adopted;
    uv_timer_t *watch; /* of the adopted */
    int64_t kill_at_us; /* 0: they have not been asked to end */
    bool stopping;
    int rank; /* being stopped */
    void (*stopped)(void *);
    void *arg;
};

static void stop_next(struct bo_supervisor *s);
static void start(uv_timer_t *timer);

static void set_timer(struct kept *k, uint64_t in_ms, uv_timer_cb cb) {
    bo_loop_timer_free(k->timer);
    k->timer = bo_loop_timer(k->owner->loop, in_ms, 0, cb, k);
}

static void clear_timer(struct kept *k) {
    bo_loop_timer_free(k->timer);
    k->timer = NULL;
}

static void free_handle(uv_handle_t *handle) { free(handle); }

static void start_later(struct kept *k) {
    bool lived = bo_loop_steady_us() - k->started_us > 10000000;
    k->wait_ms = lived ? 10 : k->wait_ms * 2 < 5000 ? k->wait_ms * 2 : 5000;
    set_timer(k, k->wait_ms, start);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signum) {
    struct kept *k = process->data;
    k->process = NULL;
    uv_close((uv_handle_t *)process, free_handle);
    clear_timer(k);
    if (k->owner->stopping) {
        if (status || signum) bo_log_warn("%s ended with status %d, signal %d", k->what.name, (int)status, signum);
        stop_next(k->owner);
        return;
    }
    start_later(k);
    bo_log_error("%s died (status %d, signal %d); starting it again in %d ms", k->what.name, (int)status, signum,
                 (int)k->wait_ms);
}

static void start(uv_timer_t *timer) {
    struct kept *k = timer->data;
    clear_timer(k);
    uv_stdio_container_t stdio[3 + BO_CHILD_FDS] = {{.flags = UV_IGNORE}, {.flags = UV_INHERIT_FD, .data.fd = 1}, {.flags = UV_INHERIT_FD, .data.fd = 2}};
    int stdio_count = 3;
    for (int i = 0; i < BO_CHILD_FDS && k->what.fds[i]; i++) stdio[stdio_count++] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = k->what.fds[i]};
    uv_process_options_t options = {.file = k->what.argv[0],
                                    .args = k->what.argv,
                                    .exit_cb = on_exit_of,
                                    .stdio = stdio,
                                    .stdio_count = stdio_count,
                                    .flags = k->what.own_group ? UV_PROCESS_DETACHED : 0};
    if (k->what.uid) {
        options.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        options.uid = k->what.uid;
        options.gid = k->what.gid;
    }
    k->started_us = bo_loop_steady_us();
    k->process = bo_alloc(sizeof(*k->process));
    int err = uv_spawn(k->owner->loop, k->process, &options);
    k->process->data = k;
    if (err) {
        bo_log_error("%s: cannot start %s: %s", k->what.name, k->what.argv[0], uv_strerror(err));
        uv_close((uv_handle_t *)k->process, free_handle);
        k->process = NULL;
        start_later(k);
    }
}

struct bo_supervisor *bo_supervisor_new(uv_loop_t *loop, void (*stopped)(void *), void *arg) {
    struct bo_supervisor *s = bo_alloc(sizeof(*s));
    *s = (struct bo_supervisor){.loop = loop, .stopped = stopped, .arg = arg};
    return s;
}

static char **copy_argv(char **argv) {
    size_t n = 0;
    while (argv[n]) n++;
    char **copy = bo_alloc((n + 1) * sizeof(*copy));
    for (size_t i = 0; i < n; i++) copy[i] = bo_strdup(argv[i]);
    return copy;
}

void bo_supervisor_add(struct bo_supervisor *s, const struct bo_child *child) {
    struct kept *k = bo_alloc(sizeof(*k)), **end = &s->children;
    k->owner = s;
    k->what = *child;
    k->what.argv = copy_argv(child->argv);
    k->wait_ms = 50;
    while (*end) end = &(*end)->next;
    *end = k;
    set_timer(k, 0, start);
}

void bo_supervisor_signal(struct bo_supervisor *s, const char *name_prefix, int signum) {
    for (struct kept *k = s->children; k; k = k->next)
        if (k->process && strncmp(k->what.name, name_prefix, strlen(name_prefix)) == 0) uv_process_kill(k->process, signum);
}

static void kill_it(uv_timer_t *timer) {
    struct kept *k = timer->data;
    bo_log_warn("%s did not end within %d ms; killing it", k->what.name, k->what.stop_ms);
    if (k->process) uv_process_kill(k->process, SIGKILL);
}

/* Asks the next rank to end once the one before has; reports when nobody is left. */
static void stop_next(struct bo_supervisor *s) {
    bool later = false;
    for (struct adopted *a = s->adopted; a; a = a->next)
        if (a->pid) return; /* they are asked with the first rank */
    for (struct kept *k = s->children; k; k = k->next) {
        if (k->process && k->what.stop_rank <= s->rank) return;
        later |= k->process && k->what.stop_rank > s->rank;
    }
    if (!later) {
        if (s->stopped) s->stopped(s->arg);
        s->stopped = NULL;
        return;
    }
    s->rank++;
    for (struct kept *k = s->children; k; k = k->next) {
        if (!k->process || k->what.stop_rank != s->rank) continue;
        uv_process_kill(k->process, k->what.stop_signal);
        set_timer(k, (uint64_t)k->what.stop_ms, kill_it);
    }
    stop_next(s);
}

/* ---- from one version to the next ---- */

#define HANDOVER "BOXOFFICE_HANDOVER" /* name;pid;file;file of each child, one behind the other with a '|' between */
#define WATCH_MS 50
#define ADOPTED_STOP_MS 20000

static void close_fds(int fds[BO_CHILD_FDS]) {
    for (int i = 0; i < BO_CHILD_FDS; i++) {
        if (fds[i]) close(fds[i]);
        fds[i] = 0;
    }
}

static void stay_open(struct bo_supervisor *s, bool open) {
    for (struct kept *k = s->children; k; k = k->next)
        for (int i = 0; i < BO_CHILD_FDS; i++)
            if (k->what.fds[i]) fcntl(k->what.fds[i], F_SETFD, open ? 0 : FD_CLOEXEC);
}

void bo_supervisor_hand_over(struct bo_supervisor *s) {
    struct bo_buffer text = {0};
    for (struct kept *k = s->children; k; k = k->next)
        bo_buffer_printf(&text, "%s%s;%d;%d;%d", text.length ? "|" : "", k->what.name, k->process ? k->process->pid : 0, k->what.fds[0], k->what.fds[1]);
    stay_open(s, true);
    setenv(HANDOVER, text.data ? text.data : "", 1);
    bo_buffer_free(&text);
}

void bo_supervisor_keep(struct bo_supervisor *s) {
    unsetenv(HANDOVER);
    stay_open(s, false);
}

bool bo_supervisor_adopt(struct bo_supervisor *s) {
    char *text = getenv(HANDOVER) ? bo_strdup(getenv(HANDOVER)) : NULL, *rest = text, *one;
    unsetenv(HANDOVER);
    while (rest && (one = strsep(&rest, "|"))) {
        struct adopted *a = bo_alloc(sizeof(*a));
        if (sscanf(one, "%31[^;];%d;%d;%d", a->name, &a->pid, &a->fds[0], &a->fds[1]) != 4) {
            free(a);
            continue;
        }
        for (int i = 0; i < BO_CHILD_FDS; i++)
            if (a->fds[i]) fcntl(a->fds[i], F_SETFD, FD_CLOEXEC);
        a->next = s->adopted;
        s->adopted = a;
    }
    free(text);
    return s->adopted != NULL;
}

void bo_supervisor_take_fds(struct bo_supervisor *s, const char *name, int ret_fds[BO_CHILD_FDS]) {
    memset(ret_fds, 0, sizeof(int) * BO_CHILD_FDS);
    for (struct adopted *a = s->adopted; a; a = a->next) {
        if (strcmp(a->name, name) != 0) continue;
        memcpy(ret_fds, a->fds, sizeof(a->fds));
        memset(a->fds, 0, sizeof(a->fds));
    }
}

static void watch_adopted(uv_timer_t *timer) {
    struct bo_supervisor *s = timer->data;
    bool left = false, late = bo_loop_steady_us() >= s->kill_at_us;
    for (struct adopted *a = s->adopted; a; a = a->next) {
        if (a->pid && waitpid(a->pid, NULL, WNOHANG) != 0) a->pid = 0;
        if (a->pid && late) kill(a->pid, SIGKILL);
        left |= a->pid != 0;
    }
    if (left) return;
    bo_loop_timer_free(timer);
    s->watch = NULL;
    bo_log_info("the processes of the version before have ended");
    if (s->stopping) stop_next(s);
}

void bo_supervisor_dismiss_adopted(struct bo_supervisor *s, int ms) {
    for (struct adopted *a = s->adopted; a; a = a->next) {
        if (a->pid && !s->kill_at_us) kill(a->pid, SIGTERM);
        close_fds(a->fds);
    }
    s->kill_at_us = bo_loop_steady_us() + (int64_t)ms * 1000;
    if (!s->watch && s->adopted) s->watch = bo_loop_timer(s->loop, 0, WATCH_MS, watch_adopted, s);
}

/* ---- the end ---- */

void bo_supervisor_stop(struct bo_supervisor *s) {
    if (s->stopping) return;
    s->stopping = true;
    s->rank = -1;
    for (struct kept *k = s->children; k; k = k->next) {
        clear_timer(k);
        close_fds(k->what.fds); /* nobody comes in any more */
    }
    if (s->adopted) bo_supervisor_dismiss_adopted(s, ADOPTED_STOP_MS);
    stop_next(s);
}

void bo_supervisor_free(struct bo_supervisor *s) {
    if (!s) return;
    bo_loop_timer_free(s->watch);
    for (struct adopted *a = s->adopted, *next; a; a = next) {
        next = a->next;
        close_fds(a->fds);
        free(a);
    }
    for (struct kept *k = s->children, *next; k; k = next) {
        next = k->next;
        for (char **a = k->what.argv; *a; a++) free(*a);
        free(k->what.argv);
        clear_timer(k);
        close_fds(k->what.fds);
        free(k);
    }
    free(s);
}
