/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the admin API share. Inside src/edge only. */
#ifndef BO_EDGE_ADMIN_H
#define BO_EDGE_ADMIN_H

#include "edge/http.h"

/* Both answer the request once Redis has taken the change over, or say why there was none. */
void bo_admin_change_settings(struct bo_http *http, const char *sale, json_t *patch); /* takes patch over */
/* from: a PostgreSQL array of the statuses this is allowed in. */
void bo_admin_change_status(struct bo_http *http, const char *sale, const char *status, const char *from, const char *action);

/* admin_line.c: what an operator does with a line. false: not one of its addresses. */
bool bo_admin_line_run(struct bo_http *http);

/* admin_seats.c: seats kept back from the sale. false: not one of its addresses. */
bool bo_admin_seats_run(struct bo_http *http);

/* admin_tickets.c: orders and tickets. false: not one of its addresses. */
bool bo_admin_tickets_run(struct bo_http *http);

/* admin_orders.c: the way to tickets, made again. false: not one of its addresses. */
bool bo_admin_orders_run(struct bo_http *http);

/* admin_refunds.c: what is to be given back. false: not one of its addresses. */
bool bo_admin_refunds_run(struct bo_http *http);

/* admin_stock.c: counted stock and lots. false: not one of its addresses. */
bool bo_admin_stock_run(struct bo_http *http);

/* admin_watch.c: history, map, seats, people, search. */
bool bo_admin_watch_run(struct bo_http *http);

#endif
