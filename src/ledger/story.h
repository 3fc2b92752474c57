/* SPDX-License-Identifier: Apache-2.0
 * What happened to one person, out of the ledger: every decision about him, and of each only the part that is about him. */
#ifndef BO_LEDGER_STORY_H
#define BO_LEDGER_STORY_H

#include "base/buffer.h"
#include "postgres/database.h"

#include <boxoffice/types.h>

#define BO_STORY_PEOPLE_MAX 20

/* Whom a word means: a person, an order, a trace, or an account's e-mail address. At most BO_STORY_PEOPLE_MAX; each has to be freed. */
int bo_story_people(struct bo_database *db, const char *word, char *ret_people[BO_STORY_PEOPLE_MAX], size_t *ret_count) BO_CHECKED;

/* Calls tell for each decision about this person, the oldest first; sale: of this one only, NULL: of all. what: JSON. Reads the whole
 * ledger of the sales: not for a server that people wait for. */
int bo_story_tell(struct bo_database *db, const char *person, const char *sale, void (*tell)(void *arg, bo_ms at, const char *sale, int64_t seq, const char *kind, const char *what), void *arg) BO_CHECKED;

#endif
