/* SPDX-License-Identifier: Apache-2.0
 * What the two ways of running scripts share: the command as it is sent, and the answer as a bo_value. Inside src/redis only. */
#ifndef BO_REDIS_REPLY_H
#define BO_REDIS_REPLY_H

#include "base/embed.h"
#include "boxoffice/ports.h"

#include <hiredis/hiredis.h>

struct bo_scripts;

const struct bo_embedded *bo_redis_script(const char *name); /* NULL: there is none */
/* EVALSHA on the keys of a sale; redisFreeCommand(*ret). Returns its length, -1 when there is no memory. */
long long bo_redis_command(char **ret, const char *sha1, const char *sale, const struct bo_arg *args, size_t count);
/* In one block, to be freed; texts point into the reply. */
struct bo_value *bo_redis_values(const redisReply *reply);
/* What an error reply means: BO_ERR_UNAVAILABLE when it is worth trying again later, else BO_ERR_INTERNAL. */
int bo_redis_error(const redisReply *reply);

redisContext *bo_scripts_context(struct bo_scripts *scripts);

#endif
