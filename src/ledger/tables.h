/* SPDX-License-Identifier: Apache-2.0
 * The tables of PostgreSQL that follow from the ledger (orders, tickets and what became void of them, refunds, grants, stock); whether they are what they
 * should be (rule P5). */
#ifndef BO_LEDGER_TABLES_H
#define BO_LEDGER_TABLES_H

#include "ledger/image.h"
#include "ledger/reconcile.h"

/* Builds the image up to the log position, and compares the tables of the same moment. A refund that is in no table is told as "refund_missing"; one
 * that no record is about stays. */
int bo_tables_compare(struct bo_reconcile *r, struct bo_image *image) BO_CHECKED;

/* In the transaction that is open, which has to see one moment only: brings the tables of a sale to what all records of the ledger say that are not put
 * aside. BO_ERR_BAD_MESSAGE: PostgreSQL refuses a row, and problem has its words. */
int bo_tables_settle(struct bo_database *db, const char *sale, char problem[512]) BO_CHECKED;

#endif
