/* SPDX-License-Identifier: Apache-2.0
 * Tickets as PostgreSQL has them (rule O4): printed as JSON, looked up by their owner, drawn as QR codes, handed on. */
#ifndef BO_EDGE_TICKETS_H
#define BO_EDGE_TICKETS_H

#include "edge/http.h"
#include "edge/room.h"

/* The columns that bo_tickets_print takes, of the table tickets. */
#define BO_TICKET_COLUMNS "person, order_id, seat, price, serial, coalesce(tariff, ''), coalesce(extract(epoch FROM checked_in_at)::bigint * 1000, 0)"

/* Writes rows from to to as a JSON list. */
void bo_tickets_print(struct bo_room *room, const struct bo_rows *rows, size_t from, size_t to, struct bo_buffer *out);

/* Who asks, by his bearer's token: of his place in this sale, of his account, or of the site. */
int bo_http_who(const struct bo_http *http, const struct bo_room *room, char ret_person[BO_ID_MAX + 1]) BO_CHECKED;

/* GET tickets, POST tickets/qr, tickets/link, tickets/transfer, tickets/accept of a sale; what: the rest of the path. False: none of these. */
bool bo_tickets_run(struct bo_http *http, struct bo_room *room, const char *what);

#endif
