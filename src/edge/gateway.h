/* SPDX-License-Identifier: Apache-2.0
 * A gateway: one process with one loop that speaks to people (WebSocket, HTTP) and operators (admin API), and keeps no truth.
 * This header is shared inside src/edge; outside, only bo_gateway_run is used.
 *
 * Life times: the gateway owns rooms (one per sale, until the end) and sessions (one per WebSocket). A call to Redis,
 * PostgreSQL or the payment service that will answer a session holds a reference on it, so a session may outlive its
 * connection (wsi is NULL then) until the last answer came. */
#ifndef BO_EDGE_GATEWAY_H
#define BO_EDGE_GATEWAY_H

#include "base/table.h"
#include "base/wheel.h"
#include "boxoffice/ports.h"
#include "config/config.h"
#include "edge/keys.h"
#include "edge/limits.h"
#include "edge/passwords.h"
#include "line/brake.h"
#include "line/health.h"
#include "loop/pace.h"
#include "postgres/queue.h"
#include "redis/feed.h"
#include "redis/store.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <uv.h>

/* libwebsockets 4.1.6 looks at every connection of a context for each one it takes in (sanity_assert_no_sockfd_traces), and
 * keeps those that are in their handshake in sorted lists. With several contexts on one loop each is short: at 18,000 connections
 * that is most of what taking one in costs in user space. Each context has tables of 320 kB. */
#define BO_CONTEXTS 4

struct bo_listener;
struct bo_caller;
struct bo_bulk;
struct bo_hooks;
struct bo_subjects;
struct bo_attempt;
struct bo_lookup;
struct bo_payment_client;
struct bo_session;

struct bo_gateway {
    int public_fd, admin_fd; /* sockets of the supervisor; -1: this process opens its own */
    int spare_fd;            /* given up to answer somebody when no file is left */
    uv_loop_t loop;
    struct bo_config config;
    const char *config_path; /* NULL: none */
    struct lws_context *contexts[BO_CONTEXTS];
    struct lws_vhost *vhosts[BO_CONTEXTS];
    unsigned next_context; /* where the next connection goes */
    struct bo_listener *public_listener, *admin_listener;
    struct bo_redis_store *redis;
    struct bo_redis_feed *feed;
    struct bo_queue *postgres;
    struct bo_bulk *bulk; /* what operators read; never in the way of what people wait for */
    struct bo_store store;
    struct bo_payment_client *payment_client;
    struct bo_payments payments;

    struct bo_table rooms; /* struct bo_room by sale */
    bool sales_loaded;
    bool asking_fences;
    enum { BO_SALES_IDLE, BO_SALES_ASKING, BO_SALES_CONNECTING, BO_SALES_READING, BO_SALES_READ } sales_loading;
    int64_t sales_asked; /* questions for what is new, begun so far */
    struct bo_lookup *lookups; /* what waits for the next one (lookup.c) */
    size_t lookups_waiting;
    bo_ms lookup_asks_from; /* steady: no question for them before */
    uv_timer_t *lookup_timer;
    struct bo_table unreadable; /* sales of PostgreSQL that cannot be taken over, with their version (unreadable.c) */
    struct bo_queue *loader; /* while sales are read */
    uv_timer_t *loader_timer;
    bo_ms loader_gives_up; /* steady: without a connection by then */

    struct bo_wheel wheel; /* one timer per session */
    struct bo_session *sessions; /* all that are connected */
    int64_t connections, connections_max, files_max;
    int64_t sockets, sockets_peak; /* of whoever has connected; peak: since memory was given back last */
    int64_t http_open;
    struct bo_pace arrivals; /* of connections */
    struct bo_limits limits, logins;
    struct bo_passwords passwords;
    struct bo_caller *mail;
    struct bo_hooks *hooks;
    struct bo_subjects *subjects;
    struct bo_brake brake;
    int64_t redis_calls, redis_failures, redis_us; /* as the metrics stood a second ago */
    struct bo_keys *keys;

    uv_check_t turn_end;
    uv_timer_t *wake;
    int64_t closing; /* connections that were sent a close frame and are not gone */
    uv_timer_t *wheel_timer, *tick_timer, *second_timer, *drain_timer;
    uv_signal_t on_term, on_int, on_hup;
    bool refunding, cancelling;
    struct bo_attempt *attempts; /* payments that were begun and could not be noted yet (attempts.c) */
    size_t attempts_kept;
    int64_t attempts_seconds;
    bool trim; /* plans were read: give back what that took */
    struct bo_health health;
    bool listening, draining, last_look; /* the last: nobody comes in by the admin port, either */
    bo_ms listen_at_the_latest;
    int status; /* of the process, at the end */
    bo_ms drain_until, drain_from;
};

/* There will be a turn of the loop in ms at the latest. */
/* After a connection that was lost without a word, or with "moved", people should come back at a moment drawn between 0 and this: all of a gateway at once would be
 * more than the others take in. ms. */
int64_t bo_gateway_reconnect_ms(const struct bo_gateway *gateway);

void bo_gateway_wake_in(struct bo_gateway *gateway, int ms);

/* Runs gateway number index until SIGTERM or SIGINT has drained it. Takes the configuration over. Returns an exit status. */
/* public_fd, admin_fd: sockets that listen already, -1: none. */
int bo_gateway_run(struct bo_config *config, const char *config_path, int index, int public_fd, int admin_fd);

#endif
