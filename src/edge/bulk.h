/* SPDX-License-Identifier: Apache-2.0
 * Reports, lists and searches of operators: on a connection of their own, so that what people wait for never stands behind them (rule P6). It is
 * opened when somebody asks, and closed when nobody has asked for a while. */
#ifndef BO_EDGE_BULK_H
#define BO_EDGE_BULK_H

#include "edge/gateway.h"
#include "postgres/queue.h"

struct bo_bulk;

struct bo_bulk *bo_bulk_new(struct bo_gateway *gateway);
/* Like bo_queue_run; waits for the connection for three seconds. sql has to stay; at most four parameters. */
/* bulk may be NULL (closed): unavailable. */
void bo_bulk_run(struct bo_bulk *bulk, const char *sql, const char *const *params, int count, bo_queue_cb cb, void *arg);
void bo_bulk_free(struct bo_bulk *bulk); /* answers what waits; not from within a callback */

#endif
