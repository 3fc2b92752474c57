/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "line/brake.h"
#include "line/estimate.h"
#include "line/health.h"
#include "line/position.h"

#include <stdlib.h>
#include <string.h>

/* A line of numbers 1 to n with some departed, by counting: what the arithmetic is held against. */
#define PEOPLE 20000

static char gone[PEOPLE + 1];

static int64_t position_by_counting(int64_t head, int64_t number) {
    int64_t position = 1;
    for (int64_t i = head + 1; i < number; i++) position += !gone[i];
    return position;
}

/* As lua/lib/view.lua does it: a segment per bucket of 1,024 numbers. */
static void take_view(struct bo_line_view *view, int64_t head) {
    int64_t front[BO_LINE_BUCKET], segments[64 * 3];
    size_t count = 0, n = 0;
    for (int64_t i = head + 1; i <= PEOPLE && count < BO_LINE_BUCKET; i++)
        if (!gone[i]) front[count++] = i;
    for (int64_t first = head + 1, last; first <= PEOPLE; first = last + 1) {
        last = first / BO_LINE_BUCKET * BO_LINE_BUCKET + BO_LINE_BUCKET - 1;
        if (last > PEOPLE) last = PEOPLE;
        segments[n++] = first;
        segments[n++] = last;
        segments[n] = 0;
        for (int64_t i = first; i <= last; i++) segments[n] += !gone[i];
        n++;
    }
    bo_line_view_set(view, front, count, segments, n / 3, PEOPLE);
}

static void L5_positions_are_exact_near_the_front_and_close_behind_it(void **state) {
    (void)state;
    struct bo_line_view view = {0};
    srand(7);
    memset(gone, 0, sizeof(gone));
    for (int i = 1; i <= PEOPLE; i++) gone[i] = rand() % 10 == 0;
    for (int64_t head = 0; head < PEOPLE; head += 3333) {
        take_view(&view, head);
        for (int64_t number = head + 1; number <= PEOPLE; number += 97) {
            if (gone[number]) continue;
            int64_t counted = position_by_counting(head, number), told = bo_line_view_position(&view, number);
            if (counted <= BO_LINE_BUCKET)
                assert_int_equal(told, counted);
            else
                assert_in_range(told, counted - 64, counted + 64);
        }
    }
    bo_line_view_free(&view);
}

static void L5_without_departures_every_position_is_exact(void **state) {
    (void)state;
    struct bo_line_view view = {0};
    memset(gone, 0, sizeof(gone));
    take_view(&view, 100);
    for (int64_t number = 101; number <= PEOPLE; number += 31) assert_int_equal(bo_line_view_position(&view, number), number - 100);
    bo_line_view_free(&view);
}

static void an_empty_line_puts_anyone_first(void **state) {
    (void)state;
    struct bo_line_view view = {0};
    assert_int_equal(bo_line_view_position(&view, 5), 1);
    bo_line_view_set(&view, NULL, 0, NULL, 0, 0);
    assert_int_equal(bo_line_view_position(&view, 5), 1);
    bo_line_view_free(&view);
}

static void L5_the_estimate_holds_the_true_time_of_a_steady_rate(void **state) {
    (void)state;
    struct bo_estimate e = {0};
    int64_t low, high;
    assert_false(bo_estimate_range(&e, 100, 1000, 0, &low, &high));
    for (int s = 0; s <= 30; s++) bo_estimate_feed(&e, s * 1000, s * 20, 0); /* 20 people per second */
    assert_true(bo_estimate_range(&e, 1000, 5000, 0, &low, &high));
    assert_true(low <= 50 && high >= 50 && low >= 40 && high <= 60);
}

static void L5_departures_ahead_shorten_the_estimate(void **state) {
    (void)state;
    struct bo_estimate without = {0}, with = {0};
    int64_t low, high, low_with, high_with;
    for (int s = 0; s <= 30; s++) {
        bo_estimate_feed(&without, s * 1000, s * 20, 0);
        bo_estimate_feed(&with, s * 1000, s * 20, s * 30);
    }
    assert_true(bo_estimate_range(&without, 4000, 5000, 0, &low, &high));
    assert_true(bo_estimate_range(&with, 4000, 5000, 0, &low_with, &high_with));
    /* (n / d) ln(1 + d p / (n a)) = (5000 / 30) ln(1 + 30 * 4000 / (5000 * 20)) = 131 s instead of 200 s */
    assert_true(low_with <= 131 && high_with >= 131);
    assert_true(high_with < high);
}

static void before_anyone_was_admitted_the_rate_that_is_set_speaks(void **state) {
    (void)state;
    struct bo_estimate e = {.limit_per_ms = 0.1};
    int64_t low, high;
    assert_true(bo_estimate_range(&e, 1000, 1000, 0, &low, &high));
    assert_true(low <= 10 && high >= 10);
}

static void A8_the_brake_follows_failures_and_latency_of_the_last_ten_seconds(void **state) {
    (void)state;
    const int64_t latency[] = {1000, 500, 200};
    const char *why;
    struct bo_brake brake = {0};
    bo_ms now = 1000000;
    for (int i = 0; i < 9; i++) bo_brake_note(&brake, BO_BRAKE_PAYMENTS, now, 1, 1, 10);
    assert_int_equal(bo_brake_percent(&brake, now, latency, &why), 100); /* nine calls say nothing */
    for (int i = 0; i < 91; i++) bo_brake_note(&brake, BO_BRAKE_PAYMENTS, now + i * 10, 1, 0, 10);
    assert_int_equal(bo_brake_percent(&brake, now, latency, &why), 92); /* 9 % failed: (9 - 5) / (50 - 5) of the way to 10 */
    assert_string_equal(why, "payment_errors");
    for (int i = 0; i < 100; i++) bo_brake_note(&brake, BO_BRAKE_PAYMENTS, now + 1000, 1, 1, 10);
    assert_int_equal(bo_brake_percent(&brake, now + 1000, latency, &why), 10);
    assert_int_equal(bo_brake_percent(&brake, now + 12000, latency, &why), 100); /* it is over */
    assert_string_equal(why, "");
    bo_brake_note(&brake, BO_BRAKE_REDIS, now + 20000, 1000, 0, 1250000); /* 1,250 ms on average, all is well up to 500 */
    assert_int_equal(bo_brake_percent(&brake, now + 20000, latency, &why), 55);
    assert_string_equal(why, "redis_latency");
    assert_int_equal(bo_brake_percent(&brake, now + 20000, (const int64_t[]){0, 0, 0}, &why), 100);
    bo_brake_note(&brake, BO_BRAKE_TELLING, now + 40000, 10, 0, 9000);
    assert_int_equal(bo_brake_percent(&brake, now + 40000, latency, &why), 10); /* told 900 ms after their admission */
    assert_string_equal(why, "telling_latency");
}

static void L4_lots_and_lanes_have_their_places_in_the_view(void **state) {
    (void)state;
    /* Two of a lane above, four who drew, three who came after. */
    const int64_t lane = -15 * BO_LINE_LANE, drawn = -(INT64_C(1) << 40), front[] = {lane + 1, lane + 2};
    const int64_t segments[] = {lane + 1, lane + 2, 2, drawn, drawn + (1 << 30) - 1, 4, 1, 3, 3};
    struct bo_line_view view = {0};
    bo_line_view_set(&view, front, 2, segments, 3, 3);
    assert_int_equal(bo_line_view_position(&view, lane + 2), 2);
    assert_int_equal(bo_line_view_position(&view, drawn + (1 << 29)), 4); /* in the middle of four behind two */
    assert_int_equal(bo_line_view_position(&view, 1), 7);
    assert_int_equal(bo_line_view_position(&view, 5), 11); /* came after the view was taken */
    assert_true(bo_line_is_drawn(drawn) && bo_line_is_drawn(lane - 1) && !bo_line_is_drawn(1) && !bo_line_is_drawn(lane + 1));
    bo_line_view_free(&view);
}

static void X4_health_changes_only_when_what_is_seen_stays(void **state) {
    (void)state;
    struct bo_health h = {0};
    assert_false(bo_health_look(&h, 1000, BO_CRITICAL, 3000, 10000));
    assert_false(bo_health_look(&h, 3999, BO_CRITICAL, 3000, 10000));
    assert_false(bo_health_look(&h, 4000, BO_HEALTHY, 3000, 10000)); /* it was nothing */
    assert_false(bo_health_look(&h, 5000, BO_CAUTION, 3000, 10000));
    assert_false(bo_health_look(&h, 7000, BO_CRITICAL, 3000, 10000)); /* worse than caution is worse, too */
    assert_true(bo_health_look(&h, 8000, BO_CAUTION, 3000, 10000));
    assert_int_equal(h.state, BO_CAUTION);
    assert_false(bo_health_look(&h, 9000, BO_CRITICAL, 3000, 10000));
    assert_true(bo_health_look(&h, 12000, BO_CRITICAL, 3000, 10000));
    assert_false(bo_health_look(&h, 20000, BO_HEALTHY, 3000, 10000));
    assert_false(bo_health_look(&h, 25000, BO_CRITICAL, 3000, 10000)); /* not well yet */
    assert_false(bo_health_look(&h, 26000, BO_HEALTHY, 3000, 10000));
    assert_false(bo_health_look(&h, 35999, BO_CAUTION, 3000, 10000));
    assert_true(bo_health_look(&h, 36000, BO_HEALTHY, 3000, 10000));
    assert_string_equal(bo_health_name(h.state), "healthy");
}

static void A8_the_share_of_failures_is_of_the_worst_source(void **state) {
    (void)state;
    struct bo_brake brake = {0};
    const char *why;
    assert_true(bo_brake_failing(&brake, 50000, &why) == 0);
    bo_brake_note(&brake, BO_BRAKE_PAYMENTS, 50000, 9, 9, 0);
    assert_true(bo_brake_failing(&brake, 50000, &why) == 0); /* too few to say anything */
    bo_brake_note(&brake, BO_BRAKE_PAYMENTS, 51000, 11, 1, 0);
    bo_brake_note(&brake, BO_BRAKE_REDIS, 51000, 100, 60, 0);
    assert_true(bo_brake_failing(&brake, 52000, &why) == 0.6);
    assert_string_equal(why, "redis_errors");
    assert_true(bo_brake_failing(&brake, 70000, &why) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(A8_the_brake_follows_failures_and_latency_of_the_last_ten_seconds),
                                       cmocka_unit_test(X4_health_changes_only_when_what_is_seen_stays),
                                       cmocka_unit_test(A8_the_share_of_failures_is_of_the_worst_source),
                                       cmocka_unit_test(L4_lots_and_lanes_have_their_places_in_the_view),
                                       cmocka_unit_test(L5_positions_are_exact_near_the_front_and_close_behind_it),
                                       cmocka_unit_test(L5_without_departures_every_position_is_exact),
                                       cmocka_unit_test(an_empty_line_puts_anyone_first),
                                       cmocka_unit_test(L5_the_estimate_holds_the_true_time_of_a_steady_rate),
                                       cmocka_unit_test(L5_departures_ahead_shorten_the_estimate),
                                       cmocka_unit_test(before_anyone_was_admitted_the_rate_that_is_set_speaks)};
    return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
