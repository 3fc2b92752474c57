/* SPDX-License-Identifier: Apache-2.0
 * Structured logs: one JSON object per line on standard error. */
#ifndef BO_BASE_LOG_H
#define BO_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum bo_log_level { BO_LOG_DEBUG, BO_LOG_INFO, BO_LOG_WARN, BO_LOG_ERROR };

/* Names the process ("gateway 2") in every line; the level below which nothing is written. */
void bo_log_setup(const char *process, enum bo_log_level level);
void bo_log_set_level(enum bo_log_level level);
/* The level of "debug", "info", "warn" or "error"; -1 for anything else. */
int bo_log_level_from_name(const char *name);
bool bo_log_is_on(enum bo_log_level level);
void bo_log(enum bo_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The line carries "trace", by which everything about one visit is found; 0: without. */
void bo_log_traced(enum bo_log_level level, uint64_t trace, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define bo_log_debug(...) bo_log(BO_LOG_DEBUG, __VA_ARGS__)
#define bo_log_info(...) bo_log(BO_LOG_INFO, __VA_ARGS__)
#define bo_log_warn(...) bo_log(BO_LOG_WARN, __VA_ARGS__)
#define bo_log_error(...) bo_log(BO_LOG_ERROR, __VA_ARGS__)

#endif
