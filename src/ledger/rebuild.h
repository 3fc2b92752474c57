/* SPDX-License-Identifier: Apache-2.0
 * Brings a sale that Redis has lost back from the ledger (rule P2), and reads the ledger for whoever wants to know what it says. The caller holds
 * the sale's lock (ledger/shares.h), so that only one does it. */
#ifndef BO_LEDGER_REBUILD_H
#define BO_LEDGER_REBUILD_H

#include "ledger/image.h"
#include "postgres/database.h"
#include "redis/scripts.h"

/* Applies the records behind image->seq up to and including up_to, those put aside as dead letters among them. BO_ERR_LEDGER_GAP: some are missing, and nobody
 * has said to go on without them. */
int bo_ledger_replay(struct bo_database *db, struct bo_image *image, int64_t up_to) BO_CHECKED;

/* Everything up to the log position in PostgreSQL, in another epoch; actor is noted in the audit. BO_ERR_UNAVAILABLE: try again. BO_ERR_LEDGER_GAP: some of it is
 * missing. */
int bo_rebuild(struct bo_database *db, struct bo_scripts *scripts, const char *sale, const char *actor) BO_CHECKED;

#endif
