/* SPDX-License-Identifier: Apache-2.0
 * What follows from ledger rows: orders, tickets, refunds, grants, stock. Each is one statement over the rows of a batch, run in the transaction that
 * writes them, in this order. */
#ifndef BO_LEDGER_PROJECTIONS_H
#define BO_LEDGER_PROJECTIONS_H

struct bo_projection {
    const char *kind; /* of the rows it is for */
    const char *sql;  /* $1 sale, $2 the number before the first row, $3 that of the last */
};

/* What hooks are told (src/postgres/migrations/0006_hooks.sql); the same parameters. */
extern const char bo_hooks_projection[];

/* Places of areas, and lots, that are paid get a row in seats, so that tickets can name them; the same parameters. */
extern const char bo_places_projection[];

extern const struct bo_projection bo_projections[]; /* the last has kind NULL */

#endif
