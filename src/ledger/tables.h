/* SPDX-License-Identifier: Apache-2.0
 * Orders and tickets in PostgreSQL follow from the ledger; whether they are what they should be. */
#ifndef BO_LEDGER_TABLES_H
#define BO_LEDGER_TABLES_H

#include "ledger/image.h"
#include "ledger/reconcile.h"

/* Builds the image up to the log position, and compares the tables of the same moment. */
int bo_tables_compare(struct bo_reconcile *r, struct bo_image *image) BO_CHECKED;

#endif
