/* SPDX-License-Identifier: Apache-2.0
 * The tables of PostgreSQL that follow from the ledger, as a sale's ledger tells them record by record: what the projections make of whole batches.
 * Compared with what is there, and written over it, by ledger/tables.h. */
#ifndef BO_LEDGER_EXPECTED_H
#define BO_LEDGER_EXPECTED_H

#include "redis/log_reader.h"

#include <jansson.h>
#include <stdbool.h>

enum bo_expected_table { BO_EXPECTED_ORDERS, BO_EXPECTED_STOCK, BO_EXPECTED_TICKETS, BO_EXPECTED_VOID_TICKETS, BO_EXPECTED_REFUNDS, BO_EXPECTED_GRANTS, BO_EXPECTED_TABLES };

struct bo_expected {
    json_t *rows[BO_EXPECTED_TABLES]; /* key of a row -> {column -> value} */
    bool written_only;                /* leaves out the records that are put aside */
};

struct bo_expected *bo_expected_new(bool written_only);
void bo_expected_free(struct bo_expected *expected); /* NULL is fine */

/* What the next record says; records of other kinds change nothing. */
void bo_expected_apply(struct bo_expected *expected, const json_t *body, const struct bo_log_record *record);

#endif
