/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metrics.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#define SECONDS(name, help) {#name "_seconds_total", "counter", help},
#define GAUGE(name, help) {#name, "gauge", help},
#define SALE(name, help)
#include "metrics/metrics.def"
#undef COUNTER
#undef SECONDS
#undef GAUGE
#undef SALE
};

static const struct {
    const char *name, *help;
    size_t offset;
} sale_metrics[] = {
#define COUNTER(name, help)
#define SECONDS(name, help)
#define GAUGE(name, help)
#define SALE(name, help) {#name, help, offsetof(struct bo_sale_metrics, name)},
#include "metrics/metrics.def"
#undef COUNTER
#undef SECONDS
#undef GAUGE
#undef SALE
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

static bool is_time(int i) { return strstr(metrics[i].name, "_seconds_total") != NULL; }

static void print_head(const char *name, const char *type, const char *help, struct bo_buffer *out) {
    bo_buffer_printf(out, "# HELP boxoffice_%s %s\n# TYPE boxoffice_%s %s\n", name, help, name, type);
}

void bo_metrics_print(struct bo_buffer *out) {
    for (int i = 0; i < BO_METRIC_COUNT; i++) {
        print_head(metrics[i].name, metrics[i].type, metrics[i].help, out);
        if (is_time(i))
            bo_buffer_printf(out, "boxoffice_%s %.6f\n", metrics[i].name, (double)bo_metric_total(i) / 1e6);
        else
            bo_buffer_printf(out, "boxoffice_%s %lld\n", metrics[i].name, (long long)bo_metric_total(i));
    }
}

#define SALE_METRICS (sizeof(sale_metrics) / sizeof(sale_metrics[0]))

void bo_metrics_print_sales(const char *const *sales, const struct bo_sale_metrics *values, size_t count, struct bo_buffer *out) {
    for (size_t i = 0; i < SALE_METRICS; i++) {
        char name[64];
        snprintf(name, sizeof(name), "sale_%s", sale_metrics[i].name);
        print_head(name, "gauge", sale_metrics[i].help, out);
        for (size_t s = 0; s < count; s++)
            bo_buffer_printf(out, "boxoffice_%s{sale=\"%s\"} %lld\n", name, sales[s], (long long)*(const int64_t *)((const char *)&values[s] + sale_metrics[i].offset));
    }
}

void bo_metrics_print_doc(struct bo_buffer *out) {
    bo_buffer_add_text(out, "# Metrics\n\nPrinted by `boxoffice default-config --metrics` from `src/metrics/metrics.def`. `GET /metrics` on the admin port, Prometheus text format;\n"
                            "counters count for all processes of a server together and outlive their restart. `examples/monitoring` has a dashboard and alert rules.\n\n"
                            "| metric | type | meaning |\n| --- | --- | --- |\n");
    for (int i = 0; i < BO_METRIC_COUNT; i++) bo_buffer_printf(out, "| boxoffice_%s | %s | %s |\n", metrics[i].name, metrics[i].type, metrics[i].help);
    bo_buffer_add_text(out, "\nOf each sale, with the label `sale`; every server says the same of all:\n\n| metric | type | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < SALE_METRICS; i++) bo_buffer_printf(out, "| boxoffice_sale_%s | gauge | %s |\n", sale_metrics[i].name, sale_metrics[i].help);
}
