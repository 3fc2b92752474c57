/* SPDX-License-Identifier: Apache-2.0
 * Writes a sale's image into Redis, which has lost it (rule P2). */
#ifndef BO_LEDGER_RESTORE_H
#define BO_LEDGER_RESTORE_H

#include "ledger/image.h"
#include "redis/scripts.h"
#include "sale/settings.h"

/* settings, their version and status, epoch: as PostgreSQL has them. Until it is done the sale stays lost to everybody; done halfway, it is begun anew next time.
 * BO_ERR_UNAVAILABLE when Redis cannot be reached, BO_ERR_INTERNAL when the sale is not lost or somebody else has begun meanwhile. */
int bo_restore(struct bo_scripts *scripts, const struct bo_image *image, const struct bo_settings *settings, int64_t version, const char *status, int64_t epoch) BO_CHECKED;

#endif
