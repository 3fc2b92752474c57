/* SPDX-License-Identifier: Apache-2.0
 * Webhooks out. What is due stands in PostgreSQL; one gateway at a time leases a few for 30 s, posts them signed like the payment service's
 * (X-Boxoffice-Time and -Signature), and notes how it went. What is not answered with 2xx is tried again after growing pauses, from 5 s
 * to an hour, 20 times, or until it has been due for three days; after a failure its hook is left alone for a while, up to five minutes,
 * and then asked with one delivery. A refusal (verdict.h) is final after the third time, and its hook goes on. */
#ifndef BO_EDGE_HOOKS_H
#define BO_EDGE_HOOKS_H

#include "edge/http.h"

struct bo_hooks;

struct bo_hooks *bo_hooks_open(struct bo_gateway *gateway);
void bo_hooks_close(struct bo_hooks *hooks); /* nothing is sent any more */
void bo_hooks_free(struct bo_hooks *hooks);  /* once PostgreSQL's queue is closed: what was under way there has been answered */
/* Health is another one now; state is static storage. Told with the next second that PostgreSQL can be reached in. */
void bo_hooks_health(struct bo_hooks *hooks, const char *state, const char *why, const char *sale);
void bo_hooks_second(struct bo_hooks *hooks); /* delivers, and tells a change of health */

/* /api/hooks and below, on the admin port. False: another address. */
bool bo_hooks_run(struct bo_http *http);

#endif
