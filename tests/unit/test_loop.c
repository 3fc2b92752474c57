/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "loop/pace.h"

/* Turns of 1 ms of work each until the time is over, n pieces of work in every one; returns how many turns there were. */
static int count_turns(struct bo_pace *pace, int64_t *now_us, int64_t for_us, int n, int64_t turn_ms) {
    int turns = 0;
    for (int64_t end = *now_us + for_us; *now_us < end; turns++) {
        for (int i = 0; i < n; i++) bo_pace_note(pace);
        *now_us += 1000;
        *now_us += bo_pace_rest_us(pace, *now_us, turn_ms);
    }
    return turns;
}

static void turns_are_kept_apart_only_while_work_streams_in(void **state) {
    (void)state;
    struct bo_pace pace = {0};
    int64_t now = 5000000;
    assert_int_equal(count_turns(&pace, &now, 1000000, 0, 20), 1000); /* nothing comes: every event has its turn */
    count_turns(&pace, &now, 200000, 1, 20);
    assert_in_range(count_turns(&pace, &now, 1000000, 3, 20), 49, 51);
    assert_int_equal(count_turns(&pace, &now, 1000000, 3, 0), 1000); /* turned off */
    count_turns(&pace, &now, 200000, 0, 20);
    assert_int_equal(count_turns(&pace, &now, 1000000, 0, 20), 1000); /* it is over */
}

static void a_turn_that_left_work_behind_is_followed_at_once(void **state) {
    (void)state;
    struct bo_pace pace = {0};
    int64_t now = 5000000;
    count_turns(&pace, &now, 200000, 5, 20);
    pace.more = true;
    assert_int_equal(bo_pace_rest_us(&pace, now, 20), 0);
    assert_int_equal(bo_pace_rest_us(&pace, now, 20), 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(turns_are_kept_apart_only_while_work_streams_in),
                                       cmocka_unit_test(a_turn_that_left_work_behind_is_followed_at_once)};
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
