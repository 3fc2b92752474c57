/* SPDX-License-Identifier: Apache-2.0
 * PostgreSQL for processes with an event loop: statements are sent down one connection without waiting for the answer
 * of the one before (libpq's pipeline mode), each in a transaction of its own, answered in order. A lost connection
 * is made anew; what was under way gets BO_ERR_UNAVAILABLE. */
#ifndef BO_POSTGRES_QUEUE_H
#define BO_POSTGRES_QUEUE_H

#include "boxoffice/error.h"
#include "postgres/rows.h"

#include <stdbool.h>
#include <uv.h>

struct bo_queue;

/* err: 0, BO_ERR_UNAVAILABLE (may or may not have happened) or BO_ERR_BAD_MESSAGE (refused; state is the SQLSTATE). */
typedef void (*bo_queue_cb)(void *arg, int err, const char *state, const struct bo_rows *rows);

struct bo_queue *bo_queue_open(uv_loop_t *loop, const char *conninfo);
/* Parameters are text, NULL for NULL, copied before it returns. cb runs exactly once, never before it returns except
 * when there is no connection (BO_ERR_UNAVAILABLE) or 10,000 statements wait already (BO_ERR_OVERLOADED). */
void bo_queue_run(struct bo_queue *queue, const char *sql, const char *const *params, int count, bo_queue_cb cb, void *arg);
/* A queue that is NULL (closed) is never up, and answers like one without a connection. */
bool bo_queue_is_up(const struct bo_queue *queue);
void bo_queue_close(struct bo_queue *queue); /* not from within a callback of the queue */

#endif
