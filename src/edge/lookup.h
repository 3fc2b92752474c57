/* SPDX-License-Identifier: Apache-2.0
 * "Not here yet" is not "not there": a gateway may not have read a sale that another one has just made, or that is older than itself.
 * Before a sale is called unknown, PostgreSQL is asked. Many requests share one question, and none waits for long. */
#ifndef BO_EDGE_LOOKUP_H
#define BO_EDGE_LOOKUP_H

#include "edge/http.h"

struct bo_room;

/* err: 0; BO_ERR_UNKNOWN_SALE, PostgreSQL has no such sale; or BO_ERR_UNAVAILABLE, it could not be asked in time. room is NULL unless err is 0. */
typedef void (*bo_lookup_cb)(void *arg, int err, struct bo_room *room);

/* cb is called once, at once where the sale is known here. */
void bo_lookup_sale(struct bo_gateway *gateway, const char *sale, bo_lookup_cb cb, void *arg);

/* Runs a request once it is known whether there is the sale that its path names; http->missing says what to answer where there is none. */
void bo_lookup_run(struct bo_http *http);

void bo_lookup_answered(struct bo_gateway *gateway, int err); /* rooms.c: the question that was begun last is over */
void bo_lookup_close(struct bo_gateway *gateway);             /* who waits is told that it cannot be said */

#endif
