/* SPDX-License-Identifier: Apache-2.0
 * Payments that could not be noted at once, against a queue of this file. */
#include "tap.h"

#include "edge/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYMENTS 250

static int answer; /* of the queue, at once */
static int notes, most_notes, noted[PAYMENTS]; /* statements of one turn, and the payments that were written */

bool bo_queue_is_up(const struct bo_queue *queue) { return queue; }

void bo_queue_run(struct bo_queue *queue, const char *sql, const char *const *params, int count, bo_queue_cb cb, void *arg) {
    (void)queue;
    if (strstr(sql, "payment_begun")) {
        assert_int_equal(count, 3);
        notes++;
        if (!answer) noted[atoi(params[2])]++;
    }
    cb(arg, answer, "", NULL);
}

static void turn(struct bo_gateway *gateway) {
    notes = 0;
    bo_attempts_second(gateway);
    if (notes > most_notes) most_notes = notes;
}

static void begin_all(struct bo_gateway *gateway) {
    memset(noted, 0, sizeof(noted));
    for (int i = 0; i < PAYMENTS; i++) {
        char payment[16];
        snprintf(payment, sizeof(payment), "%d", i);
        bo_attempt_begun(gateway, "hall", "o:1", payment);
    }
}

static void check_kept_over(int err) {
    struct bo_gateway *gateway = calloc(1, sizeof(*gateway));
    gateway->postgres = (struct bo_queue *)gateway;
    gateway->config.payment_url = "http://pay.example";
    answer = err;
    most_notes = 0;
    begin_all(gateway);
    assert_int_equal(gateway->attempts_kept, PAYMENTS);
    for (int i = 0; i < 5; i++) turn(gateway);
    assert_int_equal(gateway->attempts_kept, PAYMENTS);
    answer = 0;
    for (int i = 0; i < 3; i++) turn(gateway);
    assert_int_equal(gateway->attempts_kept, 0);
    assert_null(gateway->attempts);
    assert_int_equal(most_notes, 100);
    for (int i = 0; i < PAYMENTS; i++) assert_int_equal(noted[i], 1);
    bo_attempts_free(gateway);
    free(gateway);
}

static void X1_payments_that_were_begun_in_an_outage_are_noted_later(void **state) {
    (void)state;
    check_kept_over(BO_ERR_UNAVAILABLE);
}

static void X1_a_full_queue_is_no_reason_to_forget_a_payment(void **state) {
    (void)state;
    check_kept_over(BO_ERR_OVERLOADED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(X1_payments_that_were_begun_in_an_outage_are_noted_later),
        cmocka_unit_test(X1_a_full_queue_is_no_reason_to_forget_a_payment),
    };
    return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
