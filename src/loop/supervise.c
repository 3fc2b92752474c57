/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/supervise.h"

#include "base/log.h"
#include "base/memory.h"
#include "loop/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    struct bo_supervisor *owner;
    struct bo_child what;
    uv_process_t *process; /* NULL while it does not run */
    uv_timer_t *timer;     /* to start it again, or to kill it */
    int64_t started_us;
    uint64_t wait_ms;
};

struct bo_supervisor {
    uv_loop_t *loop;
    struct kept *children;
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
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
                                     {.flags = UV_INHERIT_FD, .data.fd = 1},
                                     {.flags = UV_INHERIT_FD, .data.fd = 2}};
    uv_process_options_t options = {.file = k->what.argv[0],
                                    .args = k->what.argv,
                                    .exit_cb = on_exit_of,
                                    .stdio = stdio,
                                    .stdio_count = 3,
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

void bo_supervisor_stop(struct bo_supervisor *s) {
    if (s->stopping) return;
    s->stopping = true;
    s->rank = -1;
    for (struct kept *k = s->children; k; k = k->next) clear_timer(k);
    stop_next(s);
}

void bo_supervisor_free(struct bo_supervisor *s) {
    if (!s) return;
    for (struct kept *k = s->children, *next; k; k = next) {
        next = k->next;
        for (char **a = k->what.argv; *a; a++) free(*a);
        free(k->what.argv);
        clear_timer(k);
        free(k);
    }
    free(s);
}
