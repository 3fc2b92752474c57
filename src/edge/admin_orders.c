/* SPDX-License-Identifier: Apache-2.0
 * Restoring access to tickets for a buyer or ticket holder (rule U2). */
#include "edge/admin.h"

#include "base/memory.h"
#include "base/text.h"
#include "edge/links.h"
#include "edge/room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Finds the buyer, or checks that the named person holds a ticket of the order, and writes the audit entry. */
static const char link_sql[] =
    "WITH o AS (SELECT person, status FROM orders WHERE sale = $1 AND id = $2), owner AS (SELECT coalesce(nullif($3::text, ''), o.person) AS person FROM o"
    " WHERE o.status IN ('paid', 'part_refunded', 'refunded') AND ($3::text IN ('', o.person) OR EXISTS (SELECT 1 FROM tickets t WHERE t.sale = $1"
    " AND t.order_id = $2 AND t.person = $3::text))), noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $4, 'ticket_link', $1,"
    " jsonb_build_object('order', $2::text, 'person', person) FROM owner) SELECT o.status IN ('paid', 'part_refunded', 'refunded'),"
    " coalesce((SELECT person FROM owner), '') FROM o";

struct request {
    struct bo_http *http;
    struct bo_room *room;
    char order[BO_ID_MAX + 1];
};

static json_t *describe_link(const struct request *r, const char *person) {
    bo_ms expires;
    char *link = bo_link_make(r->room, r->order, person, &expires);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I}", "sale", r->room->id, "order", r->order, "person", person, "link", link, "link_expires_ms",
                             (json_int_t)expires);
    free(link);
    return json;
}

static void owner_found(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    bool found = !err && bo_rows_count(rows) > 0, paid = found && strcmp(bo_rows_text(rows, 0, 0), "t") == 0;
    const char *person = found ? bo_rows_text(rows, 0, 1) : "";
    if (err)
        bo_http_answer_error(r->http, BO_ERR_UNAVAILABLE, NULL);
    else if (!paid)
        bo_http_answer_error(r->http, found ? BO_ERR_NOT_PAID : BO_ERR_UNKNOWN_ORDER, NULL);
    else if (!*person)
        bo_http_answer_error(r->http, BO_ERR_UNKNOWN_TICKET, "This person holds no ticket of this order.");
    else
        bo_http_answer_json(r->http, 200, describe_link(r, person));
    free(r);
}

/* The buyer's link, unless the body names a person. */
static void make_link(struct bo_http *http, struct bo_room *room, const char *order, const json_t *body) {
    const json_t *person = json_object_get(body, "person");
    if (!json_is_object(body) || (person && !json_is_string(person))) {
        bo_http_answer_error(http, json_is_object(body) ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON, "person: the holder of a ticket of this order; the buyer if it is left out");
        return;
    }
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.http = http, .room = room};
    snprintf(r->order, sizeof(r->order), "%s", order);
    const char *params[] = {room->id, r->order, person ? json_string_value(person) : "", http->actor};
    bo_queue_run(http->gateway->postgres, link_sql, params, 4, owner_found, r);
}

/* "orders/ORDER/link" behind the sale. */
static bool is_link(const char *what, char ret_order[BO_ID_MAX + 1]) {
    if (!what || strncmp(what, "orders/", 7) != 0) return false;
    size_t n = strcspn(what + 7, "/");
    if (n == 0 || n > BO_ID_MAX || strcmp(what + 7 + n, "/link") != 0) return false;
    memcpy(ret_order, what + 7, n);
    ret_order[n] = '\0';
    return true;
}

bool bo_admin_orders_run(struct bo_http *http) {
    char id[BO_ID_MAX + 1], order[BO_ID_MAX + 1];
    const char *what = bo_http_path_below(http, "/api/sales/", id);
    if (!is_link(what, order)) return false;
    struct bo_room *room = bo_rooms_find(http->gateway, id);
    json_t *body = http->body.length ? json_loadb(http->body.data, http->body.length, 0, NULL) : json_object();
    if (strcmp(http->method, "POST") != 0)
        bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    else if (!room)
        bo_http_answer_error(http, http->missing, NULL);
    else
        make_link(http, room, order, body);
    json_decref(body);
    return true;
}
