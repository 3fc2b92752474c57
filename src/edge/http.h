/* SPDX-License-Identifier: Apache-2.0
 * One HTTP request and its answer. A handler answers exactly once with one of the bo_http_answer… calls, at once or later; the
 * request stays until then even if its connection is gone. */
#ifndef BO_EDGE_HTTP_H
#define BO_EDGE_HTTP_H

#include "base/buffer.h"
#include "edge/address.h"
#include "edge/gateway.h"

#include <jansson.h>

#define BO_HTTP_BODY_MAX (32 * 1024 * 1024) /* a plan of 100,000 seats fits; the public port takes 64 KiB */
#define BO_HTTP_PUBLIC_BODY_MAX 65536

struct bo_http {
    struct bo_gateway *gateway;
    struct lws *wsi; /* NULL once the connection is gone */
    bool admin;      /* came in on the admin port */
    const char *method;
    char path[512];
    struct bo_buffer query; /* its arguments, each with a NUL behind it */
    bool query_wrong;       /* too long, or not UTF-8 */
    char bearer[2100]; /* the token of "Authorization: Bearer", "" without */
    char if_none_match[80];
    char webhook_time[24], webhook_signature[512]; /* of X-Boxoffice-…, or Stripe-Signature */
    char actor[BO_ID_MAX + 1]; /* admin: who */
    int role;                  /* admin: enum bo_role */
    char session_cookie[BO_ID_MAX + 1], agent[120], address[BO_ADDRESS_MAX]; /* not on the admin port */
    struct bo_buffer body;
    bool body_too_large;
    bool takes_gzip, gzip; /* the browser can read it; the answer is it */
    bool complete; /* handed to its handler */
    int missing; /* what to answer where the sale of the path is not known here (lookup.h) */

    int status; /* 0: not answered yet */
    const char *content_type;
    char etag[80];
    bo_ms retry_ms; /* of an error: when it is worth asking again; 0: not said */
    int max_age_s;                /* 0: not to be kept */
    bool any_origin;              /* pages of other sites may read it */
    char set_cookie[200];         /* "": without */
    char person[BO_ID_MAX + 1];   /* for X-Boxoffice-Person; "": without */
    struct bo_buffer answer;
    size_t sent;
    bool head_sent;
    bo_ms answered_at, cut_at; /* steady; cut_at: when a peer that has taken no more is cut off */
};

struct bo_http *bo_http_open(struct bo_gateway *gateway, struct lws *wsi, bool admin);
void bo_http_closed(struct bo_http *http);
void bo_http_body(struct bo_http *http, const char *data, size_t length);
bool bo_http_has_body(const struct bo_http *http); /* POST, PUT, PATCH */
/* Writes the next part of the answer: 1 more to come, 0 done, -1 close the connection. */
int bo_http_writable(struct bo_http *http);

void bo_http_answer(struct bo_http *http, int status, const char *content_type, const char *data, size_t length);
/* The same, or 304 when the browser has what carries this etag already. */
void bo_http_answer_cached(struct bo_http *http, const char *etag, const char *content_type, const char *data, size_t length);
void bo_http_answer_json(struct bo_http *http, int status, json_t *json); /* takes json over */
/* {"error":{"code":…,"message":…,"detail":…}}; detail may be NULL. */
void bo_http_answer_error(struct bo_http *http, int err, const char *detail);

/* Does the path look like pattern, where "*" stands for one segment? Copies the segment into ret (BO_ID_MAX + 1 bytes). */
bool bo_http_path_is(const struct bo_http *http, const char *pattern, char *ret_segment);

#define BO_HTTP_ARGUMENT_MAX 1024 /* bytes; a query with a longer one is wrong */
/* The value of an argument behind the ?, the first of this name, "" where it is not there. The escapes are undone; a "+" is a "+". */
const char *bo_http_argument(const struct bo_http *http, const char *name);

/* What stands behind prefix and one segment, which is copied; "" where nothing does, NULL where the path is another. */
const char *bo_http_path_below(const struct bo_http *http, const char *prefix, char ret_segment[BO_ID_MAX + 1]);

void bo_routes_run(struct bo_http *http); /* routes.c: the public port */
void bo_admin_run(struct bo_http *http);  /* admin.c: the admin port */

#endif
