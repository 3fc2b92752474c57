/* SPDX-License-Identifier: Apache-2.0
 * Records that were put aside, written after all (rule P3). Later ones are written already, so each goes into the ledger at its place, and then the
 * tables are brought to what the whole ledger says: a late payment revives no ticket that was refunded meanwhile. */
#ifndef BO_LEDGER_LATE_H
#define BO_LEDGER_LATE_H

#include "postgres/database.h"
#include "redis/log_reader.h"

/* All of a sale in one transaction, or where that does not go, each in one of its own, in order; sale NULL: of every sale. tell hears of each with its
 * problem, or NULL when it is written now. */
int bo_ledger_write_again(struct bo_database *db, const char *sale, void (*tell)(void *arg, const struct bo_log_record *record, const char *problem), void *arg) BO_CHECKED;

#endif
