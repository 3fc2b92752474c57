/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "order/commit.h"

struct waiter {
    struct bo_commit_waiter waiter;
    int told;
};

static void tell(struct bo_commit_waiter *waiter) { ((struct waiter *)waiter)->told++; }

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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(O3_nobody_is_told_before_his_record_is_committed)};
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
