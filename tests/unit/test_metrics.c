/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "metrics/metrics.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void counters_of_all_processes_are_one_sum_and_outlive_them(void **state) {
    (void)state;
    int fd = bo_metrics_create();
    assert_true(fd >= 0);
    for (int row = 1; row <= 2; row++) {
        pid_t pid = fork();
        if (pid == 0) {
            bo_metrics_attach(row);
            bo_metric_add(BO_METRIC_joins, 10 * row);
            bo_metric_set(BO_METRIC_connections, row);
            _exit(0);
        }
        assert_true(waitpid(pid, NULL, 0) == pid);
    }
    bo_metrics_attach(1); /* the process was started again: its gauges begin anew, its counters go on */
    assert_int_equal(bo_metric_total(BO_METRIC_joins), 30);
    assert_int_equal(bo_metric_total(BO_METRIC_connections), 2);
    struct bo_buffer text = {0};
    bo_metrics_print(&text);
    assert_non_null(strstr(text.data, "# TYPE boxoffice_joins_total counter\nboxoffice_joins_total 30\n"));
    bo_buffer_free(&text);
    bo_metrics_detach();
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counters_of_all_processes_are_one_sum_and_outlive_them)};
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
