/* SPDX-License-Identifier: Apache-2.0
 * Compares a sale in Redis, and the tables that follow from its ledger, with what the ledger says (rule P5), while it goes on: what seems to differ is looked at
 * again at a known moment of the log before it is called a difference. Reads Redis in small pieces, so that nobody waits for it (P6). */
#ifndef BO_LEDGER_RECONCILE_H
#define BO_LEDGER_RECONCILE_H

#include "postgres/database.h"
#include "redis/scripts.h"

#include <stdbool.h>

struct bo_difference { /* texts are valid during the call only; "": there is none */
    const char *where; /* a key of Redis, as lua/lib/sale.lua names them; or "orders table", …; "refund_missing" */
    const char *what;  /* the person, seat, order or counter */
    const char *found, *wanted;
};

struct bo_reconcile {
    struct bo_database *db;
    struct bo_scripts *scripts, *mender; /* two connections: what was read has to stay while it is mended */
    const char *sale, *actor;
    bool repair; /* sets what differs to what the ledger says */
    void (*tell)(void *arg, const struct bo_difference *difference);
    void *arg;
    /* results */
    int64_t seq; /* the log was read up to here */
    int64_t differences, repaired;
    int64_t failed;    /* rows of the tables that PostgreSQL refused, and */
    char problem[512]; /* what it said to the last of them */
};

/* Notes the result in the table reconciled. BO_ERR_UNAVAILABLE: a store cannot be reached, or PostgreSQL does not get to where Redis is; BO_ERR_LOST_SALE;
 * BO_ERR_SUPERSEDED: another Redis decides the sale; BO_ERR_LEDGER_GAP: decisions are missing. */
int bo_reconcile_sale(struct bo_reconcile *r) BO_CHECKED;

#endif
