/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/gateway.h"

#include "base/log.h"
#include "base/memory.h"
#include "edge/attempts.h"
#include "edge/bulk.h"
#include "outside/caller.h"
#include "outside/payments.h"
#include "edge/health.h"
#include "edge/hooks.h"
#include "edge/lookup.h"
#include "edge/refunds.h"
#include "edge/room.h"
#include "edge/server.h"
#include "edge/subjects.h"
#include "edge/unreadable.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <signal.h>
#include <stdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WHEEL_SLOT_MS 50
#define NEWS_A_TURN 256 /* then what came in meanwhile has its turn: news may be late, an admission or a hold may not */
#define LISTEN_WITHIN_MS 3000
#define DRAIN_CHECK_MS 50
#define RUSH 500 /* connections; memory of fewer is not worth looking for */
#define RECONNECTS_PER_S 5000 /* taken in without anybody inside waiting for it */
#define RECONNECT_LEAST_MS 500
#define LAST_COMERS_MS 300 /* who was taken in just before has said what he wants by then */
#define DRAIN_STEP 500 /* lws arms a sorted timer per closing connection: not all at once */

static const char *room_id(const struct bo_table_link *link) { return ((const struct bo_room *)link)->id; }

static struct bo_session *session_of_timer(struct bo_wheel_node *node) {
    return (struct bo_session *)((char *)node - offsetof(struct bo_session, timer));
}

static void timer_due(void *arg, struct bo_wheel_node *node) {
    (void)arg;
    bo_session_timer(session_of_timer(node));
}

static void on_wheel(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    bool more = bo_wheel_run(&gateway->wheel, bo_loop_steady_ms(), NEWS_A_TURN, timer_due, gateway);
    uv_timer_start(timer, on_wheel, more ? 1 : WHEEL_SLOT_MS, WHEEL_SLOT_MS);
}

static void tick_room(void *arg, struct bo_table_link *link) {
    (void)arg;
    bo_room_tick((struct bo_room *)link);
}

static void on_tick(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    bo_table_each(&gateway->rooms, tick_room, NULL);
    uv_timer_set_repeat(timer, (uint64_t)gateway->config.tick_ms);
}

static void second_room(void *arg, struct bo_table_link *link) {
    (void)arg;
    bo_room_second((struct bo_room *)link);
}

static void look_for_unready(void *arg, struct bo_table_link *link) {
    if (((struct bo_room *)link)->state == BO_ROOM_LOADING) *(bool *)arg = false;
}

/* From PostgreSQL, and what Redis has of each. */
static bool knows_sales(struct bo_gateway *gateway) {
    bool ready = gateway->sales_loaded;
    bo_table_each(&gateway->rooms, look_for_unready, &ready);
    return ready;
}

/* Nobody is taken in before the sales are known, so that a gateway just started answers no one with "unknown sale". When
 * PostgreSQL is down that would be never: after a while it takes people all the same, and says what it cannot do. */
static void listen_when_ready(struct bo_gateway *gateway) {
    if (gateway->listening || gateway->draining) return;
    if (!knows_sales(gateway) && bo_loop_steady_ms() < gateway->listen_at_the_latest) return;
    const struct bo_config *config = &gateway->config;
    gateway->listening = bo_server_listen(gateway) == 0;
    if (gateway->listening) {
        bo_metric_set(BO_METRIC_listening, 1);
        bo_log_info("gateway serves %s:%lld and admin %s:%lld, up to %lld connections", config->listen_host, (long long)config->listen_port,
                    config->admin_host, (long long)config->admin_port, (long long)gateway->connections_max);
    } else {
        gateway->status = 1;
        uv_stop(&gateway->loop);
    }
}

/* How Redis answered this server's calls in the last second. */
static void note_redis(struct bo_gateway *gateway) {
    int64_t calls = bo_metric_total(BO_METRIC_redis_calls), failures = bo_metric_total(BO_METRIC_redis_failures),
            us = bo_metric_total(BO_METRIC_redis_wait);
    if (gateway->redis_calls)
        bo_brake_note(&gateway->brake, BO_BRAKE_REDIS, bo_loop_steady_ms(), calls - gateway->redis_calls, failures - gateway->redis_failures,
                      (us - gateway->redis_us) / 1000);
    gateway->redis_calls = calls;
    gateway->redis_failures = failures;
    gateway->redis_us = us;
}

/* What many needed at once goes back to the machine when most of them are gone; what lies between would else keep it for good. */
static void note_rush_over(struct bo_gateway *gateway) {
    if (gateway->sockets > gateway->sockets_peak) gateway->sockets_peak = gateway->sockets;
    if (gateway->sockets_peak < RUSH || gateway->sockets * 4 > gateway->sockets_peak) return;
    gateway->sockets_peak = gateway->sockets;
    gateway->trim = true;
}

/* What another server says than the one that is asked is not of this sale's history. */
static bool is_one_server(const struct bo_gateway *gateway) {
    const char *asked = bo_redis_store_server(gateway->redis), *heard = bo_redis_feed_server(gateway->feed);
    return !*asked || !*heard || strcmp(asked, heard) == 0;
}

/* The connection that is older may be one to a server that is no primary any more. */
static void keep_to_one_server(struct bo_gateway *gateway) {
    if (is_one_server(gateway)) return;
    int64_t asked = bo_redis_store_since_us(gateway->redis);
    bo_log_warn("the two connections to redis are to different servers; connecting again");
    if (asked && asked < bo_redis_feed_since_us(gateway->feed))
        bo_redis_store_reconnect(gateway->redis);
    else
        bo_redis_feed_reconnect(gateway->feed);
}

static void on_second(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    listen_when_ready(gateway);
    uv_timer_set_repeat(timer, gateway->sales_loaded && gateway->listening ? 1000 : 20);
    bo_rooms_load(gateway);
    keep_to_one_server(gateway);
    bo_rooms_check_fences(gateway);
    note_redis(gateway);
    note_rush_over(gateway);
    bo_metric_set(BO_METRIC_memory_bytes, (int64_t)bo_memory_private());
    if (gateway->trim) bo_memory_trim();
    gateway->trim = false;
    bo_limits_sweep(&gateway->limits, bo_loop_steady_ms());
    bo_limits_sweep(&gateway->logins, bo_loop_steady_ms());
    bo_table_each(&gateway->rooms, second_room, NULL);
    if (!gateway->draining) bo_refunds_make(gateway);
    if (!gateway->draining) bo_attempts_second(gateway);
    if (gateway->listening) bo_health_second(gateway);
    if (!gateway->draining) bo_hooks_second(gateway->hooks);
    bo_subjects_second(gateway->subjects, gateway->postgres);
}

static void end_turn(void *arg, struct bo_table_link *link) {
    (void)arg;
    bo_room_turn_end((struct bo_room *)link);
}

static void on_turn_end(uv_check_t *check) {
    struct bo_gateway *gateway = check->data;
    bo_table_each(&gateway->rooms, end_turn, NULL);
    bo_loop_rest_us(bo_pace_rest_us(&gateway->arrivals, bo_loop_steady_us(), gateway->config.arrival_turn_ms));
}

static void on_feed(void *arg, const char *sale, char *text) {
    struct bo_room *room = is_one_server(arg) ? bo_rooms_find(arg, sale) : NULL;
    if (room) bo_room_heard(room, text);
}

static void resync_room(void *arg, struct bo_table_link *link) {
    (void)arg;
    bo_room_resync((struct bo_room *)link);
}

static void on_feed_gap(void *arg) { bo_table_each(&((struct bo_gateway *)arg)->rooms, resync_room, NULL); }

static void doubt_room(void *arg, struct bo_table_link *link) {
    (void)arg;
    bo_room_doubt((struct bo_room *)link);
}

static void on_other_redis(void *arg) {
    struct bo_gateway *gateway = arg;
    bo_table_each(&gateway->rooms, doubt_room, NULL);
    if (gateway->feed) keep_to_one_server(gateway);
}

/* ---- draining: everyone is asked to come back elsewhere, what is under way is finished ---- */

static void woken(uv_timer_t *timer) { (void)timer; } /* the end of the turn does the work */

void bo_gateway_wake_in(struct bo_gateway *gateway, int ms) {
    if (!uv_is_active((uv_handle_t *)gateway->wake)) uv_timer_start(gateway->wake, woken, (uint64_t)ms, 0);
}

int64_t bo_gateway_reconnect_ms(const struct bo_gateway *gateway) {
    int64_t ms = gateway->connections * 1000 / RECONNECTS_PER_S;
    return ms > RECONNECT_LEAST_MS ? ms : RECONNECT_LEAST_MS;
}

static void drain_step(uv_timer_t *timer) {
    struct bo_gateway *gateway = timer->data;
    int closed = 0;
    for (struct bo_session *s = gateway->sessions; s && closed < DRAIN_STEP; s = s->next) {
        if (s->close_code || s->references > 1) continue; /* a call is under way: he gets his answer first */
        bo_session_printf(s, "{\"type\":\"moved\",\"reconnect_ms\":%" PRId64 ",\"message\":\"This server restarts. Connect again; your place is kept.\"}",
                          bo_gateway_reconnect_ms(gateway));
        bo_session_close(s, BO_CLOSE_RESTART);
        closed++;
    }
    bo_ms now = bo_loop_steady_ms();
    bool late = now >= gateway->drain_until;
    if ((gateway->sessions || gateway->http_open || now - gateway->drain_from < LAST_COMERS_MS) && !late) return;
    if (!gateway->last_look) { /* who has just come in by the admin port is answered, too */
        gateway->last_look = true;
        gateway->drain_from = now;
        bo_server_stop_listening(gateway, true);
        return;
    }
    if (late) bo_log_warn("not everyone was gone when the time for draining was over");
    uv_stop(&gateway->loop);
}

static void drain(uv_signal_t *signal, int signum) {
    (void)signum;
    struct bo_gateway *gateway = signal->data;
    if (gateway->draining) return;
    gateway->draining = true;
    bo_server_stop_listening(gateway, false);
    bo_metric_set(BO_METRIC_listening, 0);
    gateway->drain_from = bo_loop_steady_ms();
    gateway->drain_until = gateway->drain_from + gateway->config.drain_ms;
    bo_log_info("draining %lld connections", (long long)gateway->connections);
    gateway->drain_timer = bo_loop_timer(&gateway->loop, 0, DRAIN_CHECK_MS, drain_step, gateway);
}

static void reload(uv_signal_t *signal, int signum) {
    (void)signum;
    struct bo_gateway *gateway = signal->data;
    struct bo_config fresh;
    struct bo_buffer problem = {0}, restart = {0};
    int err = bo_config_read(gateway->config_path, &fresh, &problem);
    if (!err && (err = bo_config_check(&fresh, &problem))) bo_config_free(&fresh);
    if (err) {
        bo_log_error("configuration not reloaded: %s", problem.data);
    } else {
        bo_config_reload(&gateway->config, &fresh, &restart);
        bo_log_set_level(bo_log_level_from_name(gateway->config.log_level));
        bo_log_info("configuration reloaded%s%s", restart.length ? "; needs a restart: " : "", restart.length ? restart.data : "");
        bo_config_free(&fresh);
    }
    bo_buffer_free(&problem);
    bo_buffer_free(&restart);
}

/* ---- life ---- */

static void start_signals(struct bo_gateway *gateway) {
    const struct {
        uv_signal_t *handle;
        uv_signal_cb cb;
        int signum;
    } signals[] = {{&gateway->on_term, drain, SIGTERM}, {&gateway->on_int, drain, SIGINT}, {&gateway->on_hup, reload, SIGHUP}};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        uv_signal_init(&gateway->loop, signals[i].handle);
        signals[i].handle->data = gateway;
        uv_signal_start(signals[i].handle, signals[i].cb, signals[i].signum);
    }
    uv_check_init(&gateway->loop, &gateway->turn_end);
    gateway->turn_end.data = gateway;
    uv_check_start(&gateway->turn_end, on_turn_end);
}

static void start(struct bo_gateway *gateway) {
    const struct bo_config *config = &gateway->config;
    uv_loop_init(&gateway->loop);
    bo_table_init(&gateway->rooms, room_id);
    bo_unreadable_init(gateway);
    bo_limits_init(&gateway->limits);
    bo_limits_init(&gateway->logins);
    gateway->keys = bo_keys_new(config->secret, config->key_rotation_h);
    bo_wheel_init(&gateway->wheel, WHEEL_SLOT_MS, bo_loop_steady_ms());
    start_signals(gateway);
    gateway->redis = bo_redis_store_open(&gateway->loop, config->redis, config->redis_timeout_ms, on_other_redis, gateway);
    gateway->store = bo_redis_store_port(gateway->redis);
    gateway->feed = bo_redis_feed_open(&gateway->loop, config->redis, config->redis_timeout_ms,
                                       (struct bo_redis_feed_events){on_feed, on_feed_gap, gateway});
    gateway->postgres = bo_queue_open(&gateway->loop, config->postgres);
    gateway->bulk = bo_bulk_new(gateway);
    gateway->payment_client = bo_payment_client_open(&gateway->loop, config, &gateway->brake);
    gateway->mail = bo_caller_open(&gateway->loop, BO_DIALECT_SMTP, &config->mail_timeout_ms, true);
    gateway->hooks = bo_hooks_open(gateway);
    gateway->subjects = bo_subjects_new();
    gateway->payments = bo_payment_client_port(gateway->payment_client);
    gateway->wheel_timer = bo_loop_timer(&gateway->loop, WHEEL_SLOT_MS, WHEEL_SLOT_MS, on_wheel, gateway);
    gateway->tick_timer = bo_loop_timer(&gateway->loop, 50, (uint64_t)config->tick_ms, on_tick, gateway);
    gateway->wake = bo_loop_timer(&gateway->loop, 1, 0, woken, gateway);
    gateway->second_timer = bo_loop_timer(&gateway->loop, 20, 20, on_second, gateway);
}

static void free_room(void *arg, struct bo_table_link *link) {
    bo_table_remove(arg, link);
    bo_room_free((struct bo_room *)link);
}

static void stop(struct bo_gateway *gateway) {
    uv_handle_t *const handles[] = {(uv_handle_t *)&gateway->on_term, (uv_handle_t *)&gateway->on_int,
                                    (uv_handle_t *)&gateway->on_hup, (uv_handle_t *)&gateway->turn_end};
    uv_timer_t *const timers[] = {gateway->wheel_timer, gateway->tick_timer, gateway->second_timer, gateway->drain_timer, gateway->wake};
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) uv_close(handles[i], NULL);
    for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) bo_loop_timer_free(timers[i]);
    bo_payment_client_close(gateway->payment_client);
    bo_caller_close(gateway->mail);
    bo_hooks_close(gateway->hooks);
    bo_redis_feed_close(gateway->feed);
    bo_redis_store_close(gateway->redis);
    gateway->redis = NULL;
    gateway->store = bo_redis_store_port(NULL);
    bo_rooms_stop_loading(gateway);
    bo_lookup_close(gateway);
    bo_bulk_free(gateway->bulk);
    gateway->bulk = NULL;
    bo_queue_close(gateway->postgres);
    bo_hooks_free(gateway->hooks);
    bo_subjects_free(gateway->subjects);
    gateway->postgres = NULL;
    bo_attempts_free(gateway);
    bo_server_close(gateway);
    uv_run(&gateway->loop, UV_RUN_DEFAULT);
    bo_server_free(gateway);
    bo_table_each(&gateway->rooms, free_room, &gateway->rooms);
    bo_table_free(&gateway->rooms);
    bo_unreadable_free(gateway);
    bo_limits_free(&gateway->limits);
    bo_limits_free(&gateway->logins);
    bo_keys_free(gateway->keys);
    if (bo_loop_drain(&gateway->loop) != 0) bo_log_warn("the event loop still had handles at the end");
    bo_config_free(&gateway->config);
}

int bo_gateway_run(struct bo_config *config, const char *config_path, int index, int public_fd, int admin_fd) {
    struct bo_gateway gateway = {.config = *config, .config_path = config_path, .public_fd = public_fd, .admin_fd = admin_fd, .spare_fd = -1};
    bo_metrics_attach(index);
    start(&gateway);
    gateway.listen_at_the_latest = bo_loop_steady_ms() + LISTEN_WITHIN_MS;
    if (bo_server_open(&gateway) == 0)
        uv_run(&gateway.loop, UV_RUN_DEFAULT);
    else
        gateway.status = 1;
    stop(&gateway);
    bo_metrics_detach();
    return gateway.status;
}
