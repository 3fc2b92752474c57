/* SPDX-License-Identifier: Apache-2.0
 * The fence of a sale in PostgreSQL (rule P7, migration 0010): which server decides it, in which epoch, and how far its log is written. */
#ifndef BO_LEDGER_FENCE_H
#define BO_LEDGER_FENCE_H

#include "postgres/database.h"

struct bo_fence {
    int64_t seq, epoch, written; /* written: epoch of the record seq */
};

/* For this server, in an epoch of at least lowest (0: whichever it is). BO_ERR_SUPERSEDED: another server has taken the sale over from this one. */
int bo_fence_sale(struct bo_database *db, const char *sale, const char *server, int64_t lowest, struct bo_fence *ret) BO_CHECKED;

/* Is this the server that decides the sale? Changes nothing; one that PostgreSQL does not know yet is not. */
int bo_fence_check(struct bo_database *db, const char *sale, const char *server) BO_CHECKED;

/* The position moves from `after` to seq, which is a record of epoch `written`, in the open transaction, where the sale is still in this epoch and the position
 * where this scribe left it. BO_ERR_SUPERSEDED: it is not. */
int bo_fence_move(struct bo_database *db, const char *sale, int64_t epoch, int64_t after, int64_t seq, int64_t written) BO_CHECKED;

#endif
