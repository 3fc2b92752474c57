/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "order/commit.h"

struct waiter {
    struct bo_commit_waiter waiter;
    int told, lost, not_booked;
};

static void tell(struct bo_commit_waiter *waiter, int err) {
    struct waiter *w = (struct waiter *)waiter;
    w->told += err == 0;
    w->lost += err == BO_ERR_UNAVAILABLE;
    w->not_booked += err == BO_ERR_NOT_BOOKED;
}

static void O3_nobody_is_told_before_his_record_is_committed(void **state) {
    (void)state;
    struct bo_commits commits = {0};
    struct waiter a = {0}, b = {0}, c = {0}, d = {0};
    bo_commits_await(&commits, &c.waiter, 30, tell);
    bo_commits_await(&commits, &a.waiter, 10, tell);
    bo_commits_await(&commits, &b.waiter, 20, tell);
    bo_commits_await(&commits, &d.waiter, 20, tell);
    bo_commits_forget(&commits, &d.waiter);
    bo_commits_reached(&commits, 9, NULL, 0);
    assert_int_equal(a.told + b.told + c.told, 0);
    bo_commits_reached(&commits, 20, NULL, 0);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 1);
    assert_int_equal(c.told, 0);
    assert_int_equal(d.told, 0);
    bo_commits_reached(&commits, 5, NULL, 0); /* an old message changes nothing */
    bo_commits_await(&commits, &d.waiter, 15, tell);
    assert_int_equal(d.told, 1);
    bo_commits_reached(&commits, 100, NULL, 0);
    assert_int_equal(c.told, 1);
    bo_commits_free(&commits);
}

static void P2_who_waits_for_a_log_that_is_lost_is_not_told_of_the_next_one(void **state) {
    (void)state;
    struct bo_commits commits = {0};
    struct waiter a = {0}, b = {0};
    bo_commits_reached(&commits, 100, NULL, 0);
    bo_commits_await(&commits, &a.waiter, 105, tell);
    bo_commits_lost(&commits);
    assert_int_equal(a.told, 0);
    assert_int_equal(a.lost, 1);
    bo_commits_await(&commits, &b.waiter, 60, tell);
    assert_int_equal(b.told, 0);
    bo_commits_reached(&commits, 60, NULL, 0);
    assert_int_equal(b.told, 1);
    bo_commits_free(&commits);
}

static void O3_a_waiter_hears_what_became_of_its_own_record(void **state) {
    (void)state;
    struct bo_commits commits = {0};
    struct waiter a = {0}, b = {0}, c = {0}, d = {0};
    const int64_t aside[] = {12, 12, 20, 24};
    bo_commits_await(&commits, &a.waiter, 11, tell);
    bo_commits_await(&commits, &b.waiter, 12, tell);
    bo_commits_reached(&commits, 30, aside, 4);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.not_booked, 1);
    bo_commits_await(&commits, &c.waiter, 22, tell);
    assert_int_equal(c.not_booked, 1);
    bo_commits_reached(&commits, 29, NULL, 0); /* an old message does not book it */
    bo_commits_await(&commits, &d.waiter, 24, tell);
    assert_int_equal(d.not_booked, 1);
    bo_commits_reached(&commits, 30, NULL, 0); /* replayed */
    bo_commits_await(&commits, &d.waiter, 24, tell);
    assert_int_equal(d.told, 1);
    bo_commits_free(&commits);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(O3_nobody_is_told_before_his_record_is_committed), cmocka_unit_test(O3_a_waiter_hears_what_became_of_its_own_record),
        cmocka_unit_test(P2_who_waits_for_a_log_that_is_lost_is_not_told_of_the_next_one)};
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
