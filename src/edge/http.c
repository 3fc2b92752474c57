/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/http.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "edge/pages.h"
#include "edge/server.h"
#include "loop/loop.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 16384
#define TAKES_SOME_WITHIN_MS 20000 /* of an answer */
#define SLOWEST_PER_MS 4           /* bytes, over all of it */

static const char *method_of(struct lws *wsi) {
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {{WSI_TOKEN_GET_URI, "GET"},     {WSI_TOKEN_POST_URI, "POST"},     {WSI_TOKEN_PUT_URI, "PUT"},
                   {WSI_TOKEN_PATCH_URI, "PATCH"}, {WSI_TOKEN_DELETE_URI, "DELETE"}, {WSI_TOKEN_HEAD_URI, "HEAD"},
                   {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (lws_hdr_total_length(wsi, methods[i].token) > 0) return methods[i].name;
    return "OTHER";
}

static void read_custom(struct lws *wsi, const char *name, char *ret, int room) {
    if (lws_hdr_custom_copy(wsi, ret, room, name, (int)strlen(name)) <= 0) ret[0] = '\0';
}

/* libwebsockets has the arguments one by one, with the escapes undone, so that a value may hold a "&" or "=": each is kept with a NUL
 * behind it. What cannot be kept as it is makes the request wrong instead of being cut. */
static void read_query(struct bo_http *http, struct lws *wsi) {
    char part[BO_HTTP_ARGUMENT_MAX + 64];
    for (int i = 0, n; (n = lws_hdr_copy_fragment(wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0 ||
                       lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i) > 0; i++) {
        const char *value = n >= 0 ? strchr(part, '=') : NULL;
        bool right = n >= 0 && strlen(part) == (size_t)n && bo_utf8_length(part) >= 0 &&
                     strlen(value ? value + 1 : part) <= BO_HTTP_ARGUMENT_MAX;
        http->query_wrong |= !right;
        if (right) bo_buffer_add(&http->query, part, (size_t)n + 1);
    }
}

/* Who is at the other end, as far as accounts need it. */
static void read_visitor(struct bo_http *http, struct lws *wsi) {
    char cookies[1024] = "";
    const char *at = lws_hdr_copy(wsi, cookies, sizeof(cookies), WSI_TOKEN_HTTP_COOKIE) > 0 ? strstr(cookies, "bo_session=") : NULL;
    if (at && (at == cookies || at[-1] == ' ' || at[-1] == ';'))
        snprintf(http->session_cookie, sizeof(http->session_cookie), "%.*s", (int)strcspn(at + 11, "; "), at + 11);
    if (lws_hdr_copy(wsi, http->agent, sizeof(http->agent), WSI_TOKEN_HTTP_USER_AGENT) < 0) http->agent[0] = '\0';
    bo_server_address(http->gateway, wsi, http->address);
}

struct bo_http *bo_http_open(struct bo_gateway *gateway, struct lws *wsi, bool admin) {
    struct bo_http *http = bo_alloc(sizeof(*http));
    http->gateway = gateway;
    http->wsi = wsi;
    http->admin = admin;
    http->method = method_of(wsi);
    char authorization[sizeof(http->bearer) + 8] = "", *uri = NULL;
    int length = 0;
    if (lws_http_get_uri_and_method(wsi, &uri, &length) >= 0 && uri) snprintf(http->path, sizeof(http->path), "%.*s", length, uri);
    if (lws_hdr_copy(wsi, authorization, sizeof(authorization), WSI_TOKEN_HTTP_AUTHORIZATION) > 0 &&
        strncasecmp(authorization, "Bearer ", 7) == 0)
        memcpy(http->bearer, authorization + 7, strnlen(authorization + 7, sizeof(http->bearer) - 1));
    if (lws_hdr_copy(wsi, http->if_none_match, sizeof(http->if_none_match), WSI_TOKEN_HTTP_IF_NONE_MATCH) < 0)
        http->if_none_match[0] = '\0';
    read_query(http, wsi);
    char encodings[128] = "";
    http->takes_gzip = lws_hdr_copy(wsi, encodings, sizeof(encodings), WSI_TOKEN_HTTP_ACCEPT_ENCODING) > 0 && strstr(encodings, "gzip");
    read_custom(wsi, "x-boxoffice-time:", http->webhook_time, sizeof(http->webhook_time));
    read_custom(wsi, "x-boxoffice-signature:", http->webhook_signature, sizeof(http->webhook_signature));
    if (!*http->webhook_signature) read_custom(wsi, "stripe-signature:", http->webhook_signature, sizeof(http->webhook_signature));
    if (!admin) read_visitor(http, wsi);
    gateway->http_open++;
    return http;
}

static void free_http(struct bo_http *http) {
    http->gateway->http_open--;
    bo_buffer_free(&http->query);
    bo_buffer_free(&http->body);
    bo_buffer_free(&http->answer);
    free(http);
}

void bo_http_closed(struct bo_http *http) {
    bool whole = http->head_sent && http->sent == http->answer.length;
    if (http->status && !whole && bo_loop_steady_ms() >= http->cut_at) bo_metric_add(BO_METRIC_slow_readers, 1);
    http->wsi = NULL;
    if (http->status || !http->complete) free_http(http);
}

bool bo_http_has_body(const struct bo_http *http) {
    return strcmp(http->method, "POST") == 0 || strcmp(http->method, "PUT") == 0 || strcmp(http->method, "PATCH") == 0;
}

void bo_http_body(struct bo_http *http, const char *data, size_t length) {
    size_t max = http->admin ? BO_HTTP_BODY_MAX : BO_HTTP_PUBLIC_BODY_MAX;
    if (http->body.length + length > max) http->body_too_large = true;
    if (!http->body_too_large) bo_buffer_add(&http->body, data, length);
}

/* From the answer on it is the peer that is waited for: it has to take some of it each time, and not all too slowly as a whole, or
 * the answer would lie here for as long as the peer likes. false: too slow. */
static bool allow_time(struct bo_http *http) {
    bo_ms now = bo_loop_steady_ms(), left = http->answered_at + TAKES_SOME_WITHIN_MS + (bo_ms)http->sent / SLOWEST_PER_MS - now;
    if (left > TAKES_SOME_WITHIN_MS) left = TAKES_SOME_WITHIN_MS;
    http->cut_at = now + (left > 0 ? left : 0);
    if (left > 0) lws_set_timeout(http->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)((left + 999) / 1000));
    return left > 0;
}

void bo_http_answer(struct bo_http *http, int status, const char *content_type, const char *data, size_t length) {
    http->status = status;
    http->content_type = content_type;
    bo_buffer_add(&http->answer, data, length);
    http->answered_at = bo_loop_steady_ms();
    if (http->wsi) {
        allow_time(http);
        lws_callback_on_writable(http->wsi);
    } else {
        free_http(http);
    }
}

void bo_http_answer_cached(struct bo_http *http, const char *etag, const char *content_type, const char *data, size_t length) {
    snprintf(http->etag, sizeof(http->etag), "%s", etag);
    bool known = strcmp(http->if_none_match, http->etag) == 0;
    if (known) http->gzip = false; /* there is no content to be encoded */
    bo_http_answer(http, known ? 304 : 200, content_type, known ? "" : data, known ? 0 : length);
}

void bo_http_answer_json(struct bo_http *http, int status, json_t *json) {
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text)
        bo_http_answer(http, status, "application/json", text, strlen(text));
    else
        bo_http_answer_error(http, BO_ERR_INTERNAL, NULL);
    free(text);
}

/* When something is away, nobody knows for how long; that much apart nobody's questions are in its way. */
#define UNAVAILABLE_RETRY_MS 1000

void bo_http_answer_error(struct bo_http *http, int err, const char *detail) {
    json_t *error = json_pack("{s:s, s:s}", "code", bo_error_name(err), "message", bo_error_text(err));
    if (detail && *detail) json_object_set_new(error, "detail", json_string(detail));
    if (http->retry_ms) json_object_set_new(error, "retry_ms", json_integer((json_int_t)http->retry_ms));
    if (bo_error_http_status(err) == 503 && !http->retry_ms) http->retry_ms = UNAVAILABLE_RETRY_MS;
    bo_http_answer_json(http, bo_error_http_status(err), json_pack("{s:o}", "error", error));
}

#define FOR_GOOD_S 86400 /* what may be kept so long never changes under its address */

static int send_head(struct bo_http *http) {
    unsigned char room[LWS_PRE + 3072], *at = room + LWS_PRE, *start = at, *end = room + sizeof(room) - 1;
    struct lws *wsi = http->wsi;
    char max_age[60], retry[24] = "";
    if (http->retry_ms) *bo_text_put_number(retry, (http->retry_ms + 999) / 1000) = '\0'; /* whole seconds, not before its time */
    snprintf(max_age, sizeof(max_age), "public, max-age=%d%s", http->max_age_s, http->max_age_s > FOR_GOOD_S ? ", immutable" : "");
    const char *cache = http->max_age_s ? max_age : http->etag[0] ? "no-cache" : "no-store";
    bool page = strncmp(http->content_type, "text/html", 9) == 0, tls = strncmp(http->gateway->config.public_url, "https:", 6) == 0;
    if (lws_add_http_common_headers(wsi, (unsigned)http->status, http->content_type, http->answer.length, &at, end)) return -1;
    const char *const headers[][2] = {{"cache-control:", cache},
                                      {"x-content-type-options:", "nosniff"},
                                      {"referrer-policy:", page ? "same-origin" : ""},
                                      {"x-frame-options:", page ? "DENY" : ""},
                                      {"permissions-policy:", page ? "camera=(), microphone=(), geolocation=(), payment=(self)" : ""},
                                      {"cross-origin-opener-policy:", page ? "same-origin-allow-popups" : ""},
                                      {"content-security-policy:", page ? bo_pages_policy(http) : "default-src 'none'; frame-ancestors 'none'"},
                                      {"strict-transport-security:", tls && !http->admin ? "max-age=31536000" : ""},
                                      {"access-control-allow-origin:", http->any_origin ? "*" : ""},
                                      {"set-cookie:", http->set_cookie},
                                      {"x-boxoffice-person:", http->person},
                                      {"content-encoding:", http->gzip ? "gzip" : ""},
                                      {"vary:", http->etag[0] ? "accept-encoding" : ""},
                                      {"retry-after:", retry},
                                      {"etag:", http->etag}};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        if (*headers[i][1] && lws_add_http_header_by_name(wsi, (const unsigned char *)headers[i][0], (const unsigned char *)headers[i][1],
                                                          (int)strlen(headers[i][1]), &at, end))
            return -1;
    if (lws_finalize_http_header(wsi, &at, end)) return -1;
    bool body = http->answer.length > 0 && strcmp(http->method, "HEAD") != 0;
    http->head_sent = true;
    if (!body) http->sent = http->answer.length;
    if (lws_write(wsi, start, (size_t)(at - start), body ? LWS_WRITE_HTTP_HEADERS : LWS_WRITE_HTTP_HEADERS | LWS_WRITE_H2_STREAM_END) < 0)
        return -1;
    return body;
}

int bo_http_writable(struct bo_http *http) {
    if (!http->status) return 1;
    if (!http->head_sent) return send_head(http);
    unsigned char part[LWS_PRE + CHUNK];
    size_t left = http->answer.length - http->sent, now = left < CHUNK ? left : CHUNK;
    memcpy(part + LWS_PRE, http->answer.data + http->sent, now);
    http->sent += now;
    bool last = http->sent == http->answer.length;
    if (lws_write(http->wsi, part + LWS_PRE, now, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < (int)now) return -1;
    return last ? 0 : allow_time(http) ? 1 : -1;
}

bool bo_http_path_is(const struct bo_http *http, const char *pattern, char *ret_segment) {
    const char *p = http->path;
    for (; *pattern; pattern++) {
        if (*pattern != '*') {
            if (*p++ != *pattern) return false;
            continue;
        }
        size_t n = strcspn(p, "/");
        if (n == 0 || n > BO_ID_MAX) return false;
        memcpy(ret_segment, p, n);
        ret_segment[n] = '\0';
        p += n;
    }
    return *p == '\0';
}

const char *bo_http_path_below(const struct bo_http *http, const char *prefix, char ret_segment[BO_ID_MAX + 1]) {
    size_t before = strlen(prefix);
    if (strncmp(http->path, prefix, before) != 0) return NULL;
    size_t n = strcspn(http->path + before, "/");
    const char *rest = http->path + before + n;
    if (n == 0 || n > BO_ID_MAX || strcmp(rest, "/") == 0) return NULL;
    memcpy(ret_segment, http->path + before, n);
    ret_segment[n] = '\0';
    return *rest ? rest + 1 : rest;
}

const char *bo_http_argument(const struct bo_http *http, const char *name) {
    size_t n = strlen(name);
    for (size_t at = 0; at < http->query.length; at += strlen(http->query.data + at) + 1)
        if (strncmp(http->query.data + at, name, n) == 0 && http->query.data[at + n] == '=') return http->query.data + at + n + 1;
    return "";
}
