/* SPDX-License-Identifier: Apache-2.0
 * Which Redis this is (rule P7): every start, and every promotion, of a primary has an identity of its own. It is learnt from INFO on every connection
 * before anything is run there. */
#ifndef BO_REDIS_SERVER_H
#define BO_REDIS_SERVER_H

#include <stdbool.h>

#define BO_REDIS_SERVER_MAX 96 /* bytes of an identity, "run_id:master_replid" */

struct bo_redis_server {
    char identity[BO_REDIS_SERVER_MAX]; /* "" while it is not known */
    bool is_primary;
};

/* From the text of INFO; false: it does not say, as while it loads its data. */
bool bo_redis_server_read(const char *info, struct bo_redis_server *ret);

/* A replica refused to write: the primary is another one. */
bool bo_redis_is_readonly(const char *error);

#endif
