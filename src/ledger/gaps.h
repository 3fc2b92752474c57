/* SPDX-License-Identifier: Apache-2.0
 * Gaps (rule P8): decisions that are neither in the ledger nor in Redis' log. Nothing crosses one before an operator has said so. */
#ifndef BO_LEDGER_GAPS_H
#define BO_LEDGER_GAPS_H

#include "postgres/database.h"
#include "redis/scripts.h"

#include <stdbool.h>

/* May records between these two, which are there or the ends, be missing? */
int bo_gaps_is_accepted(struct bo_database *db, const char *sale, int64_t after, int64_t before, bool *ret) BO_CHECKED;

int bo_gaps_count_accepted(struct bo_database *db, const char *sale, int64_t *ret) BO_CHECKED;

/* BO_ERR_LEDGER_GAP: what follows the record `after` in Redis' log is not there any more. *ret_first (may be NULL): the first number behind the gap. */
int bo_gaps_look(struct bo_scripts *scripts, const char *sale, int64_t after, int64_t *ret_first) BO_CHECKED;

/* BO_ERR_LEDGER_GAP: something is missing, there or inside the ledger, and is not accepted. Reads the numbers of the whole ledger. */
int bo_gaps_check(struct bo_database *db, struct bo_scripts *scripts, const char *sale) BO_CHECKED;

/* Goes on without what is missing: inside the ledger, and between its end and Redis' log. Noted in ledger_gaps and in the audit; tell hears of each. */
int bo_gaps_accept(struct bo_database *db, struct bo_scripts *scripts, const char *sale, const char *actor,
                   void (*tell)(void *arg, int64_t first, int64_t last), void *arg) BO_CHECKED;

#endif
