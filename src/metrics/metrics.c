/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOWEST_FD 64 /* below are the files that children are given under numbers of their own */

typedef _Atomic int64_t row_values[BO_METRIC_COUNT];

#define SHARED_SIZE (sizeof(row_values) * BO_METRICS_ROWS)

static struct {
    row_values *rows;
    int row;
} shared;

static const struct {
    const char *name, *type, *help;
} metrics[] = {
#define COUNTER(name, help) {#name "_total", "counter", help},
#define GAUGE(name, help) {#name, "gauge", help},
#include "metrics/metrics.def"
#undef COUNTER
#undef GAUGE
};

int bo_metrics_create(void) {
    const char *before = getenv(BO_METRICS_FD_VARIABLE);
    if (before) close(atoi(before)); /* of the program that this one has replaced */
    int low = memfd_create("boxoffice-metrics", 0), fd = low < 0 ? -1 : fcntl(low, F_DUPFD, LOWEST_FD);
    if (low >= 0) close(low);
    if (fd < 0) return -1;
    char number[16];
    snprintf(number, sizeof(number), "%d", fd);
    if (ftruncate(fd, SHARED_SIZE) != 0 || setenv(BO_METRICS_FD_VARIABLE, number, 1) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void bo_metrics_attach(int row) {
    const char *number = getenv(BO_METRICS_FD_VARIABLE);
    void *memory = MAP_FAILED;
    struct stat status;
    if (number && fstat(atoi(number), &status) == 0 && status.st_size == SHARED_SIZE) /* not made by another version */
        memory = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(number), 0);
    if (memory == MAP_FAILED) memory = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    shared.rows = memory;
    shared.row = row;
    for (int i = 0; i < BO_METRIC_COUNT; i++)
        if (metrics[i].type[0] == 'g') atomic_store(&shared.rows[row][i], 0);
}

void bo_metrics_detach(void) {
    if (shared.rows) munmap(shared.rows, SHARED_SIZE);
    shared.rows = NULL;
}

void bo_metric_add(enum bo_metric metric, int64_t by) {
    if (shared.rows) atomic_fetch_add_explicit(&shared.rows[shared.row][metric], by, memory_order_relaxed);
}

void bo_metric_set(enum bo_metric metric, int64_t value) {
    if (shared.rows) atomic_store_explicit(&shared.rows[shared.row][metric], value, memory_order_relaxed);
}

int64_t bo_metric_total(enum bo_metric metric) {
    int64_t sum = 0;
    for (int r = 0; shared.rows && r < BO_METRICS_ROWS; r++)
        sum += atomic_load_explicit(&shared.rows[r][metric], memory_order_relaxed);
    return sum;
}

void bo_metrics_print(struct bo_buffer *out) {
    for (int i = 0; i < BO_METRIC_COUNT; i++)
        bo_buffer_printf(out, "# HELP boxoffice_%s %s\n# TYPE boxoffice_%s %s\nboxoffice_%s %lld\n", metrics[i].name,
                         metrics[i].help, metrics[i].name, metrics[i].type, metrics[i].name, (long long)bo_metric_total(i));
}
