/* SPDX-License-Identifier: Apache-2.0
 * Calls to one outside service (libcurl on the libuv loop): HTTP and HTTPS requests, and mail. Bounded in time, in number (2,000 wait at
 * most, 32 connections per host) and by a circuit breaker; what is not sent fails at once. */
#ifndef BO_OUTSIDE_CALLER_H
#define BO_OUTSIDE_CALLER_H

#include "boxoffice/types.h"
#include "outside/breaker.h"
#include "outside/verdict.h"

#include <stddef.h>
#include <uv.h>

struct bo_caller;

#define BO_CALL_HEADERS_MAX 8

struct bo_call {
    const char *url;
    const char *headers[BO_CALL_HEADERS_MAX]; /* "Name: value"; the first NULL ends the list */
    const char *body;                         /* posted; copied */
    const char *user;                         /* "name:password" for basic authentication or a mail server; NULL: none */
    const char *mail_from, *mail_to;          /* url is of a mail server (smtp://, smtps://): body is the mail */
};

/* What a call came to; valid during the callback. */
struct bo_reply {
    enum bo_verdict verdict;
    long status;         /* of the answer; 0: there was none */
    const char *body;    /* of length bytes; "" where there is none */
    size_t length;
    const char *problem; /* why there is no answer; "" else */
    bo_ms took_ms;       /* from sending on */
};
typedef void (*bo_caller_cb)(void *arg, const struct bo_reply *reply); /* called exactly once */

/* timeout_ms: of a call; may change while running. breaks: has a circuit breaker; not where calls go to many services. */
struct bo_caller *bo_caller_open(uv_loop_t *loop, enum bo_dialect dialect, const int64_t *timeout_ms, bool breaks);
void bo_caller_call(struct bo_caller *caller, const struct bo_call *call, bo_caller_cb cb, void *arg);
void bo_caller_close(struct bo_caller *caller); /* everything pending fails; NULL is fine */

#endif
