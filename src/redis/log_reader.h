/* SPDX-License-Identifier: Apache-2.0
 * The scribe's side of Redis: reads a sale's log in order, and tells everyone how far it is committed. Blocking. */
#ifndef BO_REDIS_LOG_READER_H
#define BO_REDIS_LOG_READER_H

#include "boxoffice/error.h"
#include "boxoffice/types.h"
#include "redis/scripts.h"

#include <stdbool.h>
#include <stddef.h>

#define BO_LOG_ASIDE_MAX 100 /* ranges */

struct bo_log_reader;

struct bo_log_record {
    const char *sale;
    int64_t seq;
    int64_t epoch; /* it was decided in; 0: before there were any */
    bo_ms at;
    const char *kind;
    const char *body; /* JSON */
    size_t body_length;
    bool aside; /* not in the ledger: PostgreSQL refused it, and it is kept in dead_letters */
};

struct bo_log_cursor {
    const char *sale;
    int64_t after; /* the last record that is committed */
    int64_t epoch; /* in which PostgreSQL lets this server's log be written */
    int64_t written; /* epoch of the record `after` */
    bool settled;  /* Redis knows the epoch */
    bool lost;     /* Redis has lost the sale, or a part of it */
    int64_t accepted; /* gaps that an operator has accepted */
    int64_t gap;   /* what follows `after` is missing; the first number there is, 0: there is no gap. Its log is not read on. */
    int64_t aside[BO_LOG_ASIDE_MAX * 2]; /* records that are put aside: first and last number of each range, rising */
    size_t aside_count;                  /* numbers in it */
};

struct bo_log_reader *bo_log_reader_new(struct bo_scripts *scripts); /* which must outlive it */
void bo_log_reader_free(struct bo_log_reader *reader);

/* Up to max records of each sale behind its cursor, waiting up to wait_ms when there are none. Records are valid until
 * the next call; *ret_count may be 0. Grouped by sale, rising within one. */
int bo_log_reader_next(struct bo_log_reader *reader, const struct bo_log_cursor *cursors, size_t cursor_count, size_t max, int wait_ms,
                       const struct bo_log_record **ret, size_t *ret_count) BO_CHECKED;

/* Everything of this sale up to cursor->after is in PostgreSQL, but for cursor->aside. BO_ERR_LOST_SALE: Redis has less, and has to be restored; BO_ERR_LEDGER_GAP: what follows
 * is not in the log any more, *ret_first is the next there is; BO_ERR_SUPERSEDED: another epoch has begun. */
int bo_log_reader_committed(struct bo_log_reader *reader, const struct bo_log_cursor *cursor, int64_t *ret_first) BO_CHECKED;

#endif
