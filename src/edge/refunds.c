/* SPDX-License-Identifier: Apache-2.0
 * Gives back money that is due (rule O1). What is due stands in PostgreSQL; one gateway at a time leases a few for 30 s, asks the
 * payment service, and marks what became of it. A refund that gets no answer is tried again after its lease; one that is refused is not
 * (rule X6): it stays refused, which rings, until an operator has it tried again (admin_refunds.c). */
#include "edge/refunds.h"

#include "base/crash.h"
#include "base/log.h"
#include "base/memory.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct refund {
    struct bo_gateway *gateway;
    char sale[BO_ID_MAX + 1], order[BO_ID_MAX + 1], id[BO_REFUND_KEY_MAX + 1];
    char key[BO_REFUND_KEY_MAX + 1]; /* towards the payment service; another one when it is tried again after a refusal */
};

static void marked(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)arg;
    (void)rows;
    if (err) bo_log_warn("what became of a refund could not be marked (%s); it is asked for again, which changes nothing", state);
}

static void mark(const struct refund *r, const char *status, const char *problem) {
    const char *params[] = {r->sale, r->order, r->id, r->key, status, problem};
    bo_queue_run(r->gateway->postgres,
                 "UPDATE refunds SET status = $5, problem = $6 WHERE sale = $1 AND order_id = $2 AND id = $3 AND key = $4 AND status = 'due'",
                 params, 6, marked, NULL);
}

static void answered(void *arg, int err, const struct bo_payment *payment) {
    struct refund *r = arg;
    if (!err) {
        BO_CRASH_POINT(refund_made);
        bo_metric_add(BO_METRIC_refunds, 1);
        mark(r, "done", "");
    } else if (err == BO_ERR_PAYMENT_REFUSED) {
        bo_metric_add(BO_METRIC_refunds_refused, 1);
        bo_log_error("sale %s: the payment service refused refund %s of order %s: %s", r->sale, r->id, r->order, payment->problem);
        mark(r, "refused", payment->problem);
    }
    free(r);
}

/* sale, order_id, id, key, payment, amount, currency, vain */
static void ask(struct bo_gateway *gateway, const struct bo_rows *rows, size_t i) {
    struct refund *r = bo_alloc(sizeof(*r));
    r->gateway = gateway;
    snprintf(r->sale, sizeof(r->sale), "%s", bo_rows_text(rows, i, 0));
    snprintf(r->order, sizeof(r->order), "%s", bo_rows_text(rows, i, 1));
    snprintf(r->id, sizeof(r->id), "%s", bo_rows_text(rows, i, 2));
    snprintf(r->key, sizeof(r->key), "%s", bo_rows_text(rows, i, 3));
    const struct bo_payment_refund refund = {r->key, bo_rows_text(rows, i, 4), bo_rows_text(rows, i, 6), bo_rows_number(rows, i, 5),
                                             bo_rows_number(rows, i, 7) != 0};
    gateway->payments.refund(gateway->payments.self, &refund, answered, r);
}

static void leased(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->refunding = false;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) ask(gateway, rows, i);
}

void bo_refunds_make(struct bo_gateway *gateway) {
    if (gateway->refunding || !*gateway->config.payment_url || !bo_queue_is_up(gateway->postgres)) return;
    gateway->refunding = true;
    bo_queue_run(gateway->postgres,
                 "UPDATE refunds SET next_at = now() + interval '30 s', attempts = attempts + 1 WHERE (sale, order_id, id) IN (SELECT sale, order_id, id FROM"
                 " refunds WHERE status = 'due' AND next_at <= now() ORDER BY next_at LIMIT 20 FOR UPDATE SKIP LOCKED)"
                 " RETURNING sale, order_id, id, key, payment, amount, currency, vain::int",
                 NULL, 0, leased, gateway);
}
