/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/attempts.h"

#include "base/log.h"
#include "base/memory.h"
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY_S 60
#define CLEAN_EVERY_S 3600
#define KEPT_MAX 10000 /* that wait for PostgreSQL */
#define AGAIN_PER_S 100 /* of these; the queue is shared, so they must not fill it */

struct bo_attempt {
    struct bo_attempt *next;
    struct bo_gateway *gateway;
    char sale[BO_ID_MAX + 1], order[BO_ID_MAX + 1], payment[BO_ID_MAX + 1];
};

static void ignore(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)arg;
    (void)rows;
    if (err) bo_log_warn("payments that were begun could not be looked at (%s); tried again", state);
}

/* ---- begun ---- */

static void noted(void *arg, int err, const char *state, const struct bo_rows *rows);

static void note(struct bo_attempt *a) {
    const char *params[] = {a->sale, a->order, a->payment};
    bo_queue_run(a->gateway->postgres, "SELECT payment_begun($1, $2, $3)", params, 3, noted, a);
}

static void noted(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct bo_attempt *a = arg;
    struct bo_gateway *gateway = a->gateway;
    bool later = err == BO_ERR_UNAVAILABLE || err == BO_ERR_OVERLOADED;
    if (later && gateway->postgres && gateway->attempts_kept < KEPT_MAX) {
        a->next = gateway->attempts;
        gateway->attempts = a;
        gateway->attempts_kept++;
        return;
    }
    if (err) bo_log_warn("sale %s: payment %s of order %s could not be noted; it is not cancelled if the order ends", a->sale, a->payment, a->order);
    free(a);
}

void bo_attempt_begun(struct bo_gateway *gateway, const char *sale, const char *order, const char *payment) {
    struct bo_attempt *a = bo_alloc(sizeof(*a));
    *a = (struct bo_attempt){.gateway = gateway};
    snprintf(a->sale, sizeof(a->sale), "%s", sale);
    snprintf(a->order, sizeof(a->order), "%s", order);
    snprintf(a->payment, sizeof(a->payment), "%s", payment);
    note(a);
}

/* Some are taken out first: an attempt that cannot be noted now is kept again at once, and is not tried twice in a turn. */
static void note_again(struct bo_gateway *gateway) {
    struct bo_attempt *some[AGAIN_PER_S];
    size_t count = 0;
    for (; count < AGAIN_PER_S && gateway->attempts; count++) {
        some[count] = gateway->attempts;
        gateway->attempts = some[count]->next;
        gateway->attempts_kept--;
    }
    for (size_t i = 0; i < count; i++) note(some[i]);
}

/* ---- to be cancelled ---- */

static void mark(const struct bo_attempt *a, const char *problem) {
    const char *params[] = {a->sale, a->order, a->payment, problem};
    bo_queue_run(a->gateway->postgres,
                 "UPDATE payment_attempts SET status = 'done', problem = $4 WHERE sale = $1 AND order_id = $2 AND payment = $3", params, 4, ignore, NULL);
}

/* Refused: it is paid, which ends in a refund, or cancelled already, or the service cancels nothing. */
static void cancelled(void *arg, int err, const struct bo_payment *payment) {
    struct bo_attempt *a = arg;
    if (!err) bo_metric_add(BO_METRIC_payments_cancelled, 1);
    if (!err || err == BO_ERR_PAYMENT_REFUSED) mark(a, payment->problem);
    free(a);
}

static void leased(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct bo_gateway *gateway = arg;
    gateway->cancelling = false;
    for (size_t i = 0; !err && i < bo_rows_count(rows); i++) {
        struct bo_attempt *a = bo_alloc(sizeof(*a));
        *a = (struct bo_attempt){.gateway = gateway};
        snprintf(a->sale, sizeof(a->sale), "%s", bo_rows_text(rows, i, 0));
        snprintf(a->order, sizeof(a->order), "%s", bo_rows_text(rows, i, 1));
        snprintf(a->payment, sizeof(a->payment), "%s", bo_rows_text(rows, i, 2));
        gateway->payments.cancel(gateway->payments.self, a->payment, cancelled, a);
    }
}

/* After 20 times, most of a day, it is left to end in a refund. */
static void cancel_due(struct bo_gateway *gateway) {
    gateway->cancelling = true;
    bo_queue_run(gateway->postgres,
                 "UPDATE payment_attempts SET next_at = now() + least(interval '30 s' * power(2, least(attempts, 10)), interval '1 hour'), attempts = attempts + 1,"
                 " status = CASE WHEN attempts >= 20 THEN 'done' ELSE status END WHERE (sale, order_id, payment) IN (SELECT sale, order_id, payment FROM"
                 " payment_attempts WHERE status = 'due' AND next_at <= now() ORDER BY next_at LIMIT 20 FOR UPDATE SKIP LOCKED) RETURNING sale, order_id, payment",
                 NULL, 0, leased, gateway);
}

void bo_attempts_second(struct bo_gateway *gateway) {
    if (!*gateway->config.payment_url || !bo_queue_is_up(gateway->postgres)) return;
    note_again(gateway);
    if (!gateway->cancelling) cancel_due(gateway);
    if (++gateway->attempts_seconds % LOOK_EVERY_S == 0)
        bo_queue_run(gateway->postgres, "SELECT payments_look(1000)", NULL, 0, ignore, NULL);
    if (gateway->attempts_seconds % CLEAN_EVERY_S == 0)
        bo_queue_run(gateway->postgres,
                     "DELETE FROM payment_attempts WHERE (sale, order_id, payment) IN (SELECT sale, order_id, payment FROM payment_attempts WHERE"
                     " status = 'done' AND made_at < now() - interval '30 days' LIMIT 10000)",
                     NULL, 0, ignore, NULL);
}

void bo_attempts_free(struct bo_gateway *gateway) {
    for (struct bo_attempt *a = gateway->attempts, *next; a; a = next) {
        next = a->next;
        free(a);
    }
    gateway->attempts = NULL;
}
