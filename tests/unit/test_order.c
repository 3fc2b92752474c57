/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "order/commit.h"

struct waiter {
    struct bo_commit_waiter waiter;
    int told, lost;
};

static void tell(struct bo_commit_waiter *waiter, bool committed) {
    struct waiter *w = (struct waiter *)waiter;
    committed ? w->told++ : w->lost++;
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
    bo_commits_reached(&commits, 9);
    assert_int_equal(a.told + b.told + c.told, 0);
    bo_commits_reached(&commits, 20);
    assert_int_equal(a.told, 1);
    assert_int_equal(b.told, 1);
    assert_int_equal(c.told, 0);
    assert_int_equal(d.told, 0);
    bo_commits_reached(&commits, 5); /* an old message changes nothing */
    bo_commits_await(&commits, &d.waiter, 15, tell);
    assert_int_equal(d.told, 1);
    bo_commits_reached(&commits, 100);
    assert_int_equal(c.told, 1);
    bo_commits_free(&commits);
}

static void P2_who_waits_for_a_log_that_is_lost_is_not_told_of_the_next_one(void **state) {
    (void)state;
    struct bo_commits commits = {0};
    struct waiter a = {0}, b = {0};
    bo_commits_reached(&commits, 100);
    bo_commits_await(&commits, &a.waiter, 105, tell);
    bo_commits_lost(&commits);
    assert_int_equal(a.told, 0);
    assert_int_equal(a.lost, 1);
    bo_commits_await(&commits, &b.waiter, 60, tell);
    assert_int_equal(b.told, 0);
    bo_commits_reached(&commits, 60);
    assert_int_equal(b.told, 1);
    bo_commits_free(&commits);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(O3_nobody_is_told_before_his_record_is_committed),
        cmocka_unit_test(P2_who_waits_for_a_log_that_is_lost_is_not_told_of_the_next_one)};
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
