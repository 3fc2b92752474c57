/* SPDX-License-Identifier: Apache-2.0
 * Limits per address at the edge (rule X1): connections at the same time and joins per minute, on this gateway. Off by
 * default; an address is only remembered while a limit is on and it has connections or has joined within the minute. */
#ifndef BO_EDGE_LIMITS_H
#define BO_EDGE_LIMITS_H

#include "base/table.h"
#include "boxoffice/types.h"

#include <stdbool.h>

struct bo_limits {
    struct bo_table addresses;
    bo_ms swept;
};

struct bo_address; /* counted connections hold on to it */

void bo_limits_init(struct bo_limits *limits);
void bo_limits_free(struct bo_limits *limits);

/* Counts a connection; NULL: that would be more than max. Undone by bo_limits_disconnect. */
struct bo_address *bo_limits_connect(struct bo_limits *limits, const char *address, int64_t max);
void bo_limits_disconnect(struct bo_limits *limits, struct bo_address *address); /* NULL is fine */

/* Counts a join; 0, or after how many ms it is worth trying again. now: of a clock that does not jump. */
bo_ms bo_limits_join(struct bo_address *address, int64_t max_per_minute, bo_ms now);

/* Forgets who has no connection and has not joined for a minute; called now and then. */
void bo_limits_sweep(struct bo_limits *limits, bo_ms now);

#endif
