/* SPDX-License-Identifier: Apache-2.0
 * Counters and gauges, declared once in metrics.def, one row per process in memory that all processes of a server
 * share: any gateway can answer /metrics for all of them, and a restart of one does not set its counters back. */
#ifndef BO_METRICS_METRICS_H
#define BO_METRICS_METRICS_H

#include "base/buffer.h"

#include <stdint.h>

enum bo_metric {
#define COUNTER(name, help) BO_METRIC_##name,
#define SECONDS(name, help) BO_METRIC_##name,
#define GAUGE(name, help) BO_METRIC_##name,
#define SALE(name, help)
#include "metrics/metrics.def"
#undef COUNTER
#undef SECONDS
#undef GAUGE
#undef SALE
    BO_METRIC_COUNT
};

struct bo_sale_metrics {
#define COUNTER(name, help)
#define SECONDS(name, help)
#define GAUGE(name, help)
#define SALE(name, help) int64_t name;
#include "metrics/metrics.def"
#undef COUNTER
#undef SECONDS
#undef GAUGE
#undef SALE
};

#define BO_METRICS_SCRIBES 32
#define BO_METRICS_ROWS (256 + BO_METRICS_SCRIBES + 1) /* row i is gateway i, 256 + i scribe i, the last the supervisor */
#define BO_METRICS_SCRIBE_ROW 256
#define BO_METRICS_SUPERVISOR_ROW (BO_METRICS_ROWS - 1)
#define BO_METRICS_FD_VARIABLE "BOXOFFICE_METRICS_FD"

/* Makes the shared memory and names it in the environment for children; the descriptor stays open. -1: no memory. */
int bo_metrics_create(void);
/* Uses what the environment names, or memory of this process alone. row: whose counters bo_metric_add changes. */
void bo_metrics_attach(int row);
void bo_metrics_detach(void);

void bo_metric_add(enum bo_metric metric, int64_t by);
void bo_metric_set(enum bo_metric metric, int64_t value);
/* The sum over all processes. */
int64_t bo_metric_total(enum bo_metric metric);
/* Prometheus text format 0.0.4, every metric as boxoffice_<name>. */
void bo_metrics_print(struct bo_buffer *out);
/* The same for sales, as boxoffice_sale_<name>{sale="…"}; ids hold nothing that would have to be escaped. */
void bo_metrics_print_sales(const char *const *sales, const struct bo_sale_metrics *values, size_t count, struct bo_buffer *out);
void bo_metrics_print_doc(struct bo_buffer *out); /* a table of all, in Markdown */

#endif
