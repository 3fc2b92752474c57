/* SPDX-License-Identifier: Apache-2.0
 * The supervisor: migrates, starts gateways and scribes, starts again what dies, passes SIGHUP on, goes over to the next version of the program on SIGUSR2, and
 * on SIGTERM lets the gateways drain before the scribes write the rest. */
#include "base/log.h"
#include "command/command.h"
#include "loop/listen.h"
#include "loop/loop.h"
#include "loop/supervise.h"
#include "metrics/metrics.h"
#include "postgres/database.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIBE_STOP_MS 15000
#define MIGRATE_RETRY_MS 500
#define WATCH_MS 50
#define PATIENCE_MS 60000

static void add_child(struct bo_supervisor *supervisor, const char *name, char **argv, int rank, int stop_ms, const int fds[BO_CHILD_FDS]) {
    struct bo_child child = {.argv = argv, .stop_signal = SIGTERM, .stop_rank = rank, .stop_ms = stop_ms, .own_group = true};
    snprintf(child.name, sizeof(child.name), "%s", name);
    if (fds) memcpy(child.fds, fds, sizeof(child.fds));
    bo_supervisor_add(supervisor, &child);
}

/* The sockets of a gateway outlive it: who comes while it is started again waits for a moment instead of being refused. Those of the version before are
 * gone on with, where they are still the right ones. */
static int open_sockets(struct bo_supervisor *supervisor, const struct bo_config *config, const char *name, int fds[BO_CHILD_FDS]) {
    const struct {
        const char *host;
        int port;
    } wanted[BO_CHILD_FDS] = {{config->listen_host, (int)config->listen_port}, {config->admin_host, (int)config->admin_port}};
    bo_supervisor_take_fds(supervisor, name, fds);
    for (int i = 0; i < BO_CHILD_FDS; i++) {
        if (fds[i] && bo_listen_is_on(fds[i], wanted[i].port)) continue;
        if (fds[i]) close(fds[i]);
        fds[i] = bo_listen_open(wanted[i].host, wanted[i].port, i == 0, (int)config->dead_peer_ms);
        if (fds[i] >= 0) continue;
        bo_log_error("cannot listen on %s port %d: %s", wanted[i].host, wanted[i].port, strerror(errno));
        return -1;
    }
    return 0;
}

/* Of what is freed glibc keeps seven pieces of a size at hand and merges the rest with their neighbours, and every joining frees a
 * dozen: with 18,000 people in a process each neighbour is a cold line of memory, up to a tenth of what joining costs. With much more than
 * 200, what reading a plan of 50,000 seats frees would stay, too; and of larger pieces than 320 bytes joining frees none, but what
 * stays of them grows to megabytes over days. */
static void keep_freed_memory_at_hand(void) { setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=200:glibc.malloc.tcache_max=320", 0); }

int bo_serve_start(struct bo_supervisor *supervisor, const char *program, const struct bo_config *config, const char *config_path) {
    keep_freed_memory_at_hand();
    char *self = (char *)program, *path = (char *)config_path; /* argv is copied, never written to */
    for (int64_t i = 0; i < config->gateways; i++) {
        char name[32], index[16];
        int fds[BO_CHILD_FDS];
        snprintf(name, sizeof(name), "gateway %d", (int)i);
        snprintf(index, sizeof(index), "%d", (int)i);
        char *argv[] = {self, "gateway", "--index", index, "--sockets", "3 4", path ? "--config" : NULL, path, NULL};
        if (open_sockets(supervisor, config, name, fds) != 0) return -1;
        add_child(supervisor, name, argv, 0, (int)config->drain_ms + 5000, fds);
    }
    for (int64_t i = 0; i < config->scribes; i++) {
        char name[32], index[16];
        snprintf(name, sizeof(name), "scribe %d", (int)i);
        snprintf(index, sizeof(index), "%d", (int)i);
        char *argv[] = {self, "scribe", "--index", index, path ? "--config" : NULL, path, NULL};
        add_child(supervisor, name, argv, 1, SCRIBE_STOP_MS, NULL);
    }
    return 0;
}

struct server {
    uv_loop_t loop;
    struct bo_config config;
    const char *config_path;
    struct bo_supervisor *supervisor;
    uv_signal_t on_term, on_int, on_hup, on_usr2;
    uv_timer_t *migrate, *watch;
    char program[4096]; /* where it was started from, whatever lies there now */
    int64_t patience_until; /* for the gateways of this version to take people in */
    bool adopted; /* there are children of the version before */
    int status;
};

static void stopped(void *arg) { uv_stop(&((struct server *)arg)->loop); }

static void on_stop(uv_signal_t *signal, int signum) {
    struct server *server = signal->data;
    bo_log_info("stopping (signal %d)", signum);
    bo_loop_timer_free(server->migrate);
    bo_loop_timer_free(server->watch);
    server->migrate = server->watch = NULL;
    bo_supervisor_stop(server->supervisor);
}

/* The children read the configuration themselves; a wrong one is refused here, before they are asked to. */
static void on_reload(uv_signal_t *signal, int signum) {
    struct server *server = signal->data;
    struct bo_config fresh;
    struct bo_buffer problem = {0};
    int err = bo_config_read(server->config_path, &fresh, &problem);
    if (!err) {
        err = bo_config_check(&fresh, &problem);
        bo_config_free(&fresh);
    }
    if (err)
        bo_log_error("configuration not reloaded: %s", problem.data);
    else
        bo_supervisor_signal(server->supervisor, "gateway", signum);
    bo_buffer_free(&problem);
}

/* The gateways of the version before go on until all of this one take people in; if that does not come to be, they stay. */
static void watch_new(uv_timer_t *timer) {
    struct server *server = timer->data;
    bool all = bo_metric_total(BO_METRIC_listening) >= server->config.gateways;
    if (!all && bo_loop_steady_ms() < server->patience_until) return;
    bo_loop_timer_free(timer);
    server->watch = NULL;
    if (all)
        bo_supervisor_dismiss_adopted(server->supervisor, (int)server->config.drain_ms + SCRIBE_STOP_MS);
    else
        bo_log_error("the gateways of this version do not take anybody in; those of the version before go on");
}

static void migrate(uv_timer_t *timer) {
    struct server *server = timer->data;
    struct bo_database *db;
    if (bo_database_open(server->config.postgres, &db) != 0) return; /* tried again */
    int err = bo_database_migrate(db);
    bo_database_close(db);
    if (err) return;
    bo_loop_timer_free(timer);
    server->migrate = NULL;
    if (bo_serve_start(server->supervisor, server->program, &server->config, server->config_path) != 0) {
        server->status = 1;
        on_stop(&server->on_term, 0);
    } else if (server->adopted) {
        server->patience_until = bo_loop_steady_ms() + PATIENCE_MS;
        server->watch = bo_loop_timer(&server->loop, WATCH_MS, WATCH_MS, watch_new, server);
    }
}

/* ---- the next version ---- */

/* A version that cannot even say that the configuration is right is not gone over to. */
static bool next_version_runs(const struct server *server) {
    char *argv[] = {(char *)server->program, server->config_path ? "check-config" : "default-config", (char *)server->config_path, NULL};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status = -1;
    bool started = posix_spawn(&pid, server->program, &quiet, NULL, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&quiet);
    if (started) waitpid(pid, &status, 0);
    return started && status == 0;
}

static void on_upgrade(uv_signal_t *signal, int signum) {
    (void)signum;
    struct server *server = signal->data;
    if (server->migrate || server->watch) return; /* it begins, or is in the middle of it */
    if (!next_version_runs(server)) {
        bo_log_error("%s cannot be gone over to; this version goes on", server->program);
        return;
    }
    bo_log_info("going over to %s", server->program);
    bo_supervisor_hand_over(server->supervisor);
    char *path = (char *)server->config_path, *argv[] = {server->program, "serve", path ? "--config" : NULL, path, NULL};
    execv(server->program, argv);
    bo_log_error("%s: %s; this version goes on", server->program, strerror(errno));
    bo_supervisor_keep(server->supervisor);
}

static void start_signal(struct server *server, uv_signal_t *handle, uv_signal_cb cb, int signum) {
    uv_signal_init(&server->loop, handle);
    handle->data = server;
    uv_signal_start(handle, cb, signum);
}

int bo_command_serve(int argc, char **argv) {
    struct server server = {0};
    size_t size = sizeof(server.program);
    server.config_path = bo_option(&argc, argv, "--config");
    if (uv_exepath(server.program, &size) != 0) snprintf(server.program, sizeof(server.program), "boxoffice");
    if (bo_option_end(argc, argv, 0, "serve [--config FILE]")) return 2;
    if (bo_command_config(server.config_path, "supervisor", &server.config)) return 2;
    int metrics = bo_metrics_create();
    bo_metrics_attach(BO_METRICS_SUPERVISOR_ROW);
    uv_loop_init(&server.loop);
    server.supervisor = bo_supervisor_new(&server.loop, stopped, &server);
    start_signal(&server, &server.on_term, on_stop, SIGTERM);
    start_signal(&server, &server.on_int, on_stop, SIGINT);
    start_signal(&server, &server.on_hup, on_reload, SIGHUP);
    start_signal(&server, &server.on_usr2, on_upgrade, SIGUSR2);
    server.adopted = bo_supervisor_adopt(server.supervisor);
    server.migrate = bo_loop_timer(&server.loop, 0, MIGRATE_RETRY_MS, migrate, &server);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&server.on_term, NULL);
    uv_close((uv_handle_t *)&server.on_int, NULL);
    uv_close((uv_handle_t *)&server.on_hup, NULL);
    uv_close((uv_handle_t *)&server.on_usr2, NULL);
    bo_supervisor_free(server.supervisor);
    int busy = bo_loop_drain(&server.loop);
    bo_metrics_detach();
    if (metrics >= 0) close(metrics);
    bo_config_free(&server.config);
    return busy ? 1 : server.status;
}
