/* SPDX-License-Identifier: Apache-2.0
 * The operator's side of what is to be given back: the list, and what becomes of a refund that the payment service has refused. */
#include "edge/admin.h"

#include "base/text.h"
#include "base/utf8.h"
#include "edge/bulk.h"

#include <string.h>

#define WHY_MAX 200

static const char list_sql[] =
    "SELECT json_build_object('refunds', coalesce(json_agg(json_build_object('order', order_id, 'refund', id, 'amount', amount, 'currency', currency,"
    " 'reason', reason, 'payment', payment, 'status', status, 'problem', problem, 'attempts', attempts) ORDER BY seq, id), '[]'))::text FROM"
    " (SELECT * FROM refunds WHERE sale = $1 AND ($2 = '' OR status = $2) ORDER BY seq DESC LIMIT 1000) r";

/* From refused on. A key that was refused stays refused: Stripe answers the same again for a day. */
static const char retry_sql[] =
    "WITH r AS (SELECT status FROM refunds WHERE sale = $1 AND order_id = $2 AND id = $3), made AS (UPDATE refunds SET status = 'due', problem = '',"
    " next_at = now(), key = split_part(key, '#', 1) || '#' || attempts WHERE sale = $1 AND order_id = $2 AND id = $3 AND status = 'refused' RETURNING 1),"
    " noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $4, 'refund_retry', $1, jsonb_build_object('order', $2::text, 'refund', $3::text,"
    " 'why', $5::text) FROM made) SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM r)";
static const char settle_sql[] =
    "WITH r AS (SELECT status FROM refunds WHERE sale = $1 AND order_id = $2 AND id = $3), made AS (UPDATE refunds SET status = 'done' WHERE sale = $1"
    " AND order_id = $2 AND id = $3 AND status = 'refused' RETURNING 1), noted AS (INSERT INTO audit (actor, action, sale, detail) SELECT $4,"
    " 'refund_settle', $1, jsonb_build_object('order', $2::text, 'refund', $3::text, 'why', $5::text) FROM made)"
    " SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM r)";

static void listed(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_http *http = arg;
    if (err)
        bo_http_answer_error(http, BO_ERR_UNAVAILABLE, NULL);
    else
        bo_http_answer(http, 200, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
}

static void list(struct bo_http *http, const char *sale) {
    const char *params[] = {sale, bo_http_argument(http, "status")};
    bo_bulk_run(http->gateway->bulk, list_sql, params, 2, listed, http);
}

static void changed(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_http *http = arg;
    if (err)
        bo_http_answer_error(http, BO_ERR_UNAVAILABLE, NULL);
    else if (bo_rows_number(rows, 0, 0) > 0)
        bo_http_answer_json(http, 200, json_pack("{s:s}", "status", strstr(http->path, "/settle") ? "done" : "due"));
    else
        bo_http_answer_error(http, bo_rows_number(rows, 0, 1) > 0 ? BO_ERR_REFUND_NOT_REFUSED : BO_ERR_UNKNOWN_REFUND, NULL);
}

static void change(struct bo_http *http, const char *sale, const char *sql) {
    json_t *body = json_loadb(http->body.data ? http->body.data : "", http->body.length, 0, NULL);
    const char *order, *refund, *why = "";
    if (json_unpack(body, "{s:s, s:s, s?s}", "order", &order, "refund", &refund, "why", &why) != 0 || !bo_text_is_id(order) ||
        strlen(refund) > BO_REFUND_KEY_MAX || !bo_utf8_is_text(why, 0, WHY_MAX, false)) {
        bo_http_answer_error(http, body ? BO_ERR_BAD_MESSAGE : BO_ERR_BAD_JSON, "order and refund, as GET /api/sales/{sale}/refunds names them; why, at most 200 bytes");
    } else {
        const char *params[] = {sale, order, refund, http->actor, why};
        bo_queue_run(http->gateway->postgres, sql, params, 5, changed, http);
    }
    json_decref(body);
}

bool bo_admin_refunds_run(struct bo_http *http) {
    static const struct {
        const char *method, *path, *sql;
    } routes[] = {{"GET", "/api/sales/*/refunds", NULL}, {"POST", "/api/sales/*/refunds/retry", retry_sql}, {"POST", "/api/sales/*/refunds/settle", settle_sql}};
    char sale[BO_ID_MAX + 1];
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!bo_http_path_is(http, routes[i].path, sale)) continue;
        if (strcmp(http->method, routes[i].method) != 0)
            bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
        else if (routes[i].sql)
            change(http, sale, routes[i].sql);
        else
            list(http, sale);
        return true;
    }
    return false;
}
