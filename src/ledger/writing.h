/* SPDX-License-Identifier: Apache-2.0
 * Writes log records into PostgreSQL, with what follows from them (rule P1), and puts aside those that cannot be written (P3). */
#ifndef BO_LEDGER_WRITING_H
#define BO_LEDGER_WRITING_H

#include "postgres/database.h"
#include "redis/log_reader.h"

/* Into the transaction that is open: ledger rows, and what hooks are told of them; nothing that follows from them. */
int bo_ledger_append(struct bo_database *db, const struct bo_log_record *records, size_t count, int64_t after) BO_CHECKED;

/* Into the transaction that is open: ledger rows, orders, tickets, refunds, grants, what hooks are told. Records of one sale, rising; after: the number before
 * the first. */
int bo_ledger_write(struct bo_database *db, const struct bo_log_record *records, size_t count, int64_t after) BO_CHECKED;

bool bo_ledger_has_kind(const struct bo_log_record *records, size_t count, const char *kind);

/* Into the transaction that is open: this one cannot be written. */
int bo_ledger_put_aside(struct bo_database *db, const struct bo_log_record *record, const char *reason) BO_CHECKED;

/* Which records of these sales are put aside: the newest BO_LOG_ASIDE_MAX ranges; where there are more, the first range reaches back to the oldest.
 * Whoever waits for one of them must not be told that it is booked. */
int bo_ledger_read_aside(struct bo_database *db, struct bo_log_cursor *cursors, size_t count) BO_CHECKED;

#endif
