/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/server.h"

#include "base/log.h"
#include "base/memory.h"
#include "edge/entry.h"
#include "edge/http.h"
#include "edge/lookup.h"
#include "edge/session.h"
#include "loop/listen.h"
#include "metrics/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILES_KEPT 300     /* for Redis, PostgreSQL, payments, HTTP requests and files */
#define FILES_KEPT_BACK 50 /* of those, never given to an incoming connection */
#define ACCEPT_PER_TURN 64 /* then the others on the loop have their turn */

struct bo_listener {
    uv_poll_t poll;
    int fd;
    bool admin;
    struct bo_gateway *gateway;
};

/* By the socket he came in on, never by what he says (lws would choose a virtual host by the Host header). */
static bool is_admin(struct lws *wsi) {
    const struct bo_listener *listener = lws_get_opaque_user_data(wsi);
    return listener && listener->admin;
}

static struct bo_gateway *gateway_of(struct lws *wsi) { return lws_context_user(lws_get_context(wsi)); }

static const char full_answer[] =
    "HTTP/1.1 503 Service Unavailable\r\nretry-after: 2\r\ncontent-type: application/json\r\nconnection: close\r\n"
    "content-length: 96\r\n\r\n{\"error\":{\"code\":\"overloaded\",\"message\":\"This server is full. Try again after the retry time.\"}}";

/* A person deserves to hear that it is full and when to come back. */
static int refuse_full(struct lws *wsi) {
    unsigned char room[LWS_PRE + sizeof(full_answer)];
    memcpy(room + LWS_PRE, full_answer, sizeof(full_answer) - 1);
    bo_metric_add(BO_METRIC_refused, 1);
    lws_write(wsi, room + LWS_PRE, sizeof(full_answer) - 1, LWS_WRITE_HTTP_HEADERS);
    return -1;
}

static int admit_upgrade(struct lws *wsi) {
    struct bo_gateway *gateway = gateway_of(wsi);
    char path[8] = "";
    if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) < 0 || strcmp(path, "/ws") != 0) {
        lws_return_http_status(wsi, HTTP_STATUS_NOT_FOUND, NULL);
        return -1;
    }
    if (is_admin(wsi)) return -1; /* no WebSockets there */
    return gateway->connections >= gateway->connections_max ? refuse_full(wsi) : 0;
}

/* Behind a proxy that tells us whom it speaks for, everybody would be one address. */
static void warn_of_proxy(const struct bo_gateway *gateway) {
    static bool warned;
    bo_metric_add(BO_METRIC_forwarded_ignored, 1);
    if (!warned && gateway->config.login_address_per_min)
        bo_log_warn("requests come with X-Forwarded-For, which is not looked at: behind a proxy all visitors count as one address. Set address_from = x-forwarded-for if it is yours");
    warned = true;
}

void bo_server_address(const struct bo_gateway *gateway, struct lws *wsi, char ret[BO_ADDRESS_MAX]) {
    int length = lws_hdr_total_length(wsi, WSI_TOKEN_X_FORWARDED_FOR);
    bool forwarded = strcmp(gateway->config.address_from, "x-forwarded-for") == 0;
    char peer[BO_ADDRESS_MAX];
    if (length > 0 && !forwarded) warn_of_proxy(gateway);
    if (length > 0 && forwarded) {
        char *header = bo_alloc((size_t)length + 1);
        if (lws_hdr_copy(wsi, header, length + 1, WSI_TOKEN_X_FORWARDED_FOR) < 0) *header = '\0';
        bo_address_group(bo_address_last(header), ret);
        free(header);
    } else {
        lws_get_peer_simple(wsi, peer, sizeof(peer));
        bo_address_group(peer, ret);
    }
}

/* false: too many from there. */
static bool take_address(struct bo_session *s) {
    struct bo_gateway *gateway = s->gateway;
    char address[BO_ADDRESS_MAX];
    if (!gateway->config.address_connections && !gateway->config.address_joins_per_min) return true;
    bo_server_address(gateway, s->wsi, address);
    s->address = bo_limits_connect(&gateway->limits, address, gateway->config.address_connections);
    if (!s->address) bo_metric_add(BO_METRIC_refused, 1);
    return s->address;
}

static void join_by_address(struct bo_session *s) {
    char room[BO_ID_MAX + 8];
    const char *sale = lws_get_urlarg_by_name(s->wsi, "sale=", room, sizeof(room));
    if (sale && *sale) bo_entry_join_sale(s, sale);
}

/* The request is whole. Its answer may take as long as Redis and PostgreSQL may (they have limits of their own), and is not cut off by
 * the time that libwebsockets gives a client for its part. The client has a time again once it is answered (bo_http_answer). */
static void run_http(struct bo_http *http, struct lws *wsi) {
    http->complete = true;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    bo_lookup_run(http);
}

/* libwebsockets keeps one pointer per connection for us: to a request, or from the upgrade on to a session. */
static int start_http(struct lws *wsi, bool admin) {
    struct bo_http *http = bo_http_open(gateway_of(wsi), wsi, admin);
    lws_set_wsi_user(wsi, http);
    bo_server_uncork(lws_get_socket_fd(wsi));
    if (!bo_http_has_body(http)) run_http(http, wsi);
    return 0;
}

static int finish_http(struct bo_http *http, struct lws *wsi) {
    int more = bo_http_writable(http);
    if (more < 0) return -1;
    if (more > 0) {
        if (http->status) lws_callback_on_writable(wsi);
        return 0;
    }
    bo_http_closed(http);
    lws_set_wsi_user(wsi, NULL);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    bool admin = is_admin(wsi);
    struct bo_http *http = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP: return start_http(wsi, admin);
    case LWS_CALLBACK_HTTP_BODY:
        if (http) bo_http_body(http, in, length);
        return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        if (http && !http->complete) run_http(http, wsi);
        return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE: return http ? finish_http(http, wsi) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (http) bo_http_closed(http);
        lws_set_wsi_user(wsi, NULL);
        return 0;
    default: return lws_callback_http_dummy(wsi, reason, NULL, in, length);
    }
}

static int open_session(struct lws *wsi) {
    struct bo_session *session = bo_session_open(gateway_of(wsi), wsi);
    lws_set_wsi_user(wsi, session);
    if (!take_address(session)) return -1;
    join_by_address(session);
    if (session->stage != BO_STAGE_JOINING) bo_session_uncork(session);
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct bo_session *session = user;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return admit_upgrade(wsi);
    case LWS_CALLBACK_ESTABLISHED: return open_session(wsi);
    case LWS_CALLBACK_RECEIVE:
        if (session)
            bo_session_received(session, in, length, lws_is_first_fragment(wsi),
                                lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0, lws_frame_is_binary(wsi));
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return session && !bo_session_writable(session) ? -1 : 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return session && session->close_sent ? -1 : 0; /* his answer to ours */
    case LWS_CALLBACK_CLOSED:
        if (session) bo_session_closed(session);
        lws_set_wsi_user(wsi, NULL);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        if (lws_get_opaque_user_data(wsi)) gateway_of(wsi)->sockets--;
        return 0;
    default: return on_http(wsi, reason, user, in, length);
    }
}

/* One buffer of 32 bytes per connection; longer messages come in parts. Sends are not cut by it (tx_packet_size). */
static const struct lws_protocols protocols[] = {{"boxoffice", on_event, 0, 32, 0, NULL, 65536},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};

static void set_limits(struct bo_gateway *gateway) {
    const struct bo_config *config = &gateway->config;
    struct rlimit files = {1024, 1024};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) getrlimit(RLIMIT_NOFILE, &files);
    gateway->files_max = (int64_t)files.rlim_cur;
    int64_t left = gateway->files_max - FILES_KEPT;
    gateway->connections_max = config->max_connections && config->max_connections < left ? config->max_connections : left;
}

/* ---- listening: our own sockets, since lws shares a port between processes only when built for threads, and so that
 * draining can stop taking people while those who are here stay ---- */

/* Somebody is told and his connection closed; he never gets a place in the tables of lws. What he has said is read first (the kernel waits for it, see
 * bo_listen_open): closing while it lies unread would tear the answer away from him. */
static void turn_away(int fd) {
    char unread[4096];
    for (int i = 0; i < 4 && recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0; i++) {
    }
    if (send(fd, full_answer, sizeof(full_answer) - 1, MSG_NOSIGNAL) < 0) { /* he hears it from the closing */
    }
    close(fd);
    bo_metric_add(BO_METRIC_refused, 1);
}

/* No file is left, here or on the machine: the spare one is given up for a moment to answer who is next, or he would wait, and the loop turn around him. Returns
 * false when not even that can be done. */
static bool turn_away_with_spare(struct bo_listener *listener) {
    struct bo_gateway *gateway = listener->gateway;
    if (gateway->spare_fd < 0) gateway->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (gateway->spare_fd < 0) return false;
    close(gateway->spare_fd);
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) turn_away(fd);
    gateway->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

static void on_incoming(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct bo_listener *listener = poll->data;
    struct bo_gateway *gateway = listener->gateway;
    for (int i = 0; i < ACCEPT_PER_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE) && turn_away_with_spare(listener)) continue;
        if (fd < 0) return;
        bo_pace_note(&gateway->arrivals);
        if (fd + FILES_KEPT_BACK > gateway->files_max) {
            turn_away(fd);
        } else {
            struct lws_vhost *vhost = gateway->vhosts[gateway->next_context++ % BO_CONTEXTS];
            struct lws *wsi = lws_adopt_socket_vhost(vhost, fd); /* closes fd when it fails */
            if (!wsi) continue;
            lws_set_opaque_user_data(wsi, listener);
            gateway->sockets++;
        }
    }
    gateway->arrivals.more = true;
}

void bo_server_uncork(int fd) {
    int off = 0;
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof(off)); /* it leaves 200 ms later all the same */
}

/* given: a socket that the supervisor listens with, which stays when this process is gone; -1: one of its own. */
static int add_listener(struct bo_gateway *gateway, const char *host, int port, int given, bool admin, struct bo_listener **ret) {
    int fd = given >= 0 ? given : bo_listen_open(host, port, !admin, (int)gateway->config.dead_peer_ms);
    if (fd < 0) {
        bo_log_error("cannot listen on %s port %d: %s", host, port, strerror(errno));
        return -1;
    }
    struct bo_listener *listener = bo_alloc(sizeof(*listener));
    *listener = (struct bo_listener){.fd = fd, .admin = admin, .gateway = gateway};
    uv_poll_init(&gateway->loop, &listener->poll, fd);
    listener->poll.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_incoming);
    *ret = listener;
    return 0;
}

static void close_fd(uv_handle_t *handle) {
    struct bo_listener *listener = handle->data;
    close(listener->fd);
    listener->fd = -1;
}

/* The listener itself stays until the end: connections that came in by it point to it. */
static void stop_listening(struct bo_listener *listener) {
    if (listener && listener->fd >= 0 && !uv_is_closing((uv_handle_t *)&listener->poll))
        uv_close((uv_handle_t *)&listener->poll, close_fd);
}

void bo_server_stop_listening(struct bo_gateway *gateway, bool admin) { stop_listening(admin ? gateway->admin_listener : gateway->public_listener); }

static void log_line(int level, const char *line) {
    bo_log(level == LLL_ERR ? BO_LOG_WARN : BO_LOG_DEBUG, "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

static int open_context(struct bo_gateway *gateway, int i) {
    static const lws_retry_bo_t no_idle_timers = {0}; /* lws keeps timers in a sorted list: O(n) each */
    void *loops[] = {&gateway->loop};
    struct lws_context_creation_info info = {0}, vhost = {0};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_IPV6;
    info.foreign_loops = loops;
    info.user = gateway;
    info.gid = info.uid = (unsigned)-1;
    info.pt_serv_buf_size = 8192;
    gateway->contexts[i] = lws_create_context(&info);
    if (!gateway->contexts[i]) {
        bo_log_error("libwebsockets does not start (is libwebsockets-evlib-uv installed?)");
        return -1;
    }
    vhost.vhost_name = "boxoffice";
    vhost.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    vhost.protocols = protocols;
    vhost.options = LWS_SERVER_OPTION_DISABLE_IPV6;
    vhost.retry_and_idle_policy = &no_idle_timers;
    vhost.keepalive_timeout = 30;
    vhost.timeout_secs = 10;
    gateway->vhosts[i] = lws_create_vhost(gateway->contexts[i], &vhost);
    return gateway->vhosts[i] ? 0 : -1;
}

int bo_server_open(struct bo_gateway *gateway) {
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    set_limits(gateway);
    gateway->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < BO_CONTEXTS; i++)
        if (open_context(gateway, i) != 0) return -1;
    return 0;
}

int bo_server_listen(struct bo_gateway *gateway) {
    const struct bo_config *config = &gateway->config;
    if (add_listener(gateway, config->listen_host, (int)config->listen_port, gateway->public_fd, false, &gateway->public_listener) != 0) return -1;
    return add_listener(gateway, config->admin_host, (int)config->admin_port, gateway->admin_fd, true, &gateway->admin_listener);
}

static void destroy_contexts(struct bo_gateway *gateway) {
    for (int i = 0; i < BO_CONTEXTS; i++)
        if (gateway->contexts[i]) lws_context_destroy(gateway->contexts[i]);
}

void bo_server_close(struct bo_gateway *gateway) {
    stop_listening(gateway->public_listener);
    stop_listening(gateway->admin_listener);
    destroy_contexts(gateway);
}

void bo_server_free(struct bo_gateway *gateway) {
    destroy_contexts(gateway);
    if (gateway->spare_fd >= 0) close(gateway->spare_fd);
    free(gateway->public_listener);
    free(gateway->admin_listener);
}
