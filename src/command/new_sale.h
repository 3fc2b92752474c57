/* SPDX-License-Identifier: Apache-2.0
 * A sale to be put into PostgreSQL. */
#ifndef BO_COMMAND_NEW_SALE_H
#define BO_COMMAND_NEW_SALE_H

#include "postgres/database.h"

#include <jansson.h>

struct bo_new_sale {
    const char *id, *name;
    json_t *plan, *settings;
    bool open;
};

/* Checks and inserts; complains on standard error. One of that name already: success with keep_existing, else
 * BO_ERR_SALE_EXISTS. */
int bo_sale_insert(struct bo_database *db, const struct bo_new_sale *sale, bool stripe, bool keep_existing) BO_CHECKED;

#endif
