/* SPDX-License-Identifier: Apache-2.0
 * Payments that were begun (table payment_attempts). One whose order ended unpaid would stay payable, and could only end in a refund: it
 * is cancelled. What is to be cancelled follows from the orders that the scribe writes, so it is lost with no gateway. */
#ifndef BO_EDGE_ATTEMPTS_H
#define BO_EDGE_ATTEMPTS_H

#include "edge/gateway.h"

/* Notes it; tried again while PostgreSQL is away. */
void bo_attempt_begun(struct bo_gateway *gateway, const char *sale, const char *order, const char *payment);
void bo_attempts_second(struct bo_gateway *gateway);
void bo_attempts_free(struct bo_gateway *gateway); /* once PostgreSQL's queue is closed */

#endif
