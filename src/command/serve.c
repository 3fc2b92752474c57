/* SPDX-License-Identifier: Apache-2.0
 * The supervisor: migrates, starts gateways and scribe, starts again what dies, passes SIGHUP on, and on SIGTERM lets the
 * gateways drain before the scribe writes the rest. */
#include "base/log.h"
#include "command/command.h"
#include "loop/loop.h"
#include "loop/supervise.h"
#include "metrics/metrics.h"
#include "postgres/database.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIBE_STOP_MS 15000
#define MIGRATE_RETRY_MS 500

static void add_child(struct bo_supervisor *supervisor, const char *name, char **argv, int rank, int stop_ms) {
    struct bo_child child = {.argv = argv, .stop_signal = SIGTERM, .stop_rank = rank, .stop_ms = stop_ms, .own_group = true};
    snprintf(child.name, sizeof(child.name), "%s", name);
    bo_supervisor_add(supervisor, &child);
}

/* Of what is freed glibc keeps seven pieces of a size at hand and merges the rest with their neighbours, and every joining frees a
 * dozen: with 18,000 people in a process each neighbour is a cold line of memory, up to a tenth of what joining costs. With much more than
 * 200, what reading a plan of 50,000 seats frees would stay, too. */
static void keep_freed_memory_at_hand(void) { setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=200", 0); }

void bo_serve_start(struct bo_supervisor *supervisor, const struct bo_config *config, const char *config_path) {
    keep_freed_memory_at_hand();
    static char self[4096];
    size_t size = sizeof(self);
    if (uv_exepath(self, &size) != 0) snprintf(self, sizeof(self), "boxoffice");
    char *path = (char *)config_path; /* argv is copied, never written to */
    for (int64_t i = 0; i < config->gateways; i++) {
        char name[32], index[16];
        snprintf(name, sizeof(name), "gateway %d", (int)i);
        snprintf(index, sizeof(index), "%d", (int)i);
        char *argv[] = {self, "gateway", "--index", index, path ? "--config" : NULL, path, NULL};
        add_child(supervisor, name, argv, 0, (int)config->drain_ms + 5000);
    }
    for (int64_t i = 0; i < config->scribes; i++) {
        char name[32], index[16];
        snprintf(name, sizeof(name), "scribe %d", (int)i);
        snprintf(index, sizeof(index), "%d", (int)i);
        char *argv[] = {self, "scribe", "--index", index, path ? "--config" : NULL, path, NULL};
        add_child(supervisor, name, argv, 1, SCRIBE_STOP_MS);
    }
}

struct server {
    uv_loop_t loop;
    struct bo_config config;
    const char *config_path;
    struct bo_supervisor *supervisor;
    uv_signal_t on_term, on_int, on_hup;
    uv_timer_t *migrate;
};

static void stopped(void *arg) { uv_stop(&((struct server *)arg)->loop); }

static void on_stop(uv_signal_t *signal, int signum) {
    struct server *server = signal->data;
    bo_log_info("stopping (signal %d)", signum);
    bo_loop_timer_free(server->migrate);
    server->migrate = NULL;
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

static void migrate(uv_timer_t *timer) {
    struct server *server = timer->data;
    struct bo_database *db;
    if (bo_database_open(server->config.postgres, &db) != 0) return; /* tried again */
    int err = bo_database_migrate(db);
    bo_database_close(db);
    if (err) return;
    bo_loop_timer_free(timer);
    server->migrate = NULL;
    bo_serve_start(server->supervisor, &server->config, server->config_path);
}

static void start_signal(struct server *server, uv_signal_t *handle, uv_signal_cb cb, int signum) {
    uv_signal_init(&server->loop, handle);
    handle->data = server;
    uv_signal_start(handle, cb, signum);
}

int bo_command_serve(int argc, char **argv) {
    struct server server = {.config_path = bo_option(&argc, argv, "--config")};
    if (bo_option_end(argc, argv, 0, "serve [--config FILE]")) return 2;
    if (bo_command_config(server.config_path, "supervisor", &server.config)) return 2;
    int metrics = bo_metrics_create();
    uv_loop_init(&server.loop);
    server.supervisor = bo_supervisor_new(&server.loop, stopped, &server);
    start_signal(&server, &server.on_term, on_stop, SIGTERM);
    start_signal(&server, &server.on_int, on_stop, SIGINT);
    start_signal(&server, &server.on_hup, on_reload, SIGHUP);
    server.migrate = bo_loop_timer(&server.loop, 0, MIGRATE_RETRY_MS, migrate, &server);
    uv_run(&server.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&server.on_term, NULL);
    uv_close((uv_handle_t *)&server.on_int, NULL);
    uv_close((uv_handle_t *)&server.on_hup, NULL);
    bo_supervisor_free(server.supervisor);
    int busy = bo_loop_drain(&server.loop);
    if (metrics >= 0) close(metrics);
    bo_config_free(&server.config);
    return busy ? 1 : 0;
}
