/* SPDX-License-Identifier: Apache-2.0
 * Runs the scripts of lua/ in Redis: the store the domain is given (boxoffice/ports.h). Scripts are known by SHA-1;
 * one that Redis has forgotten is loaded and run again. Callers' callbacks get BO_ERR_UNAVAILABLE while there is no
 * connection, after the timeout, and for everything pending when the connection is lost; BO_ERR_OVERLOADED while
 * 100,000 calls wait already. */
#ifndef BO_REDIS_STORE_H
#define BO_REDIS_STORE_H

#include "boxoffice/ports.h"

#include <stdbool.h>
#include <uv.h>

struct bo_redis_store;

/* on_other_server (may be NULL): connected again, but to a Redis that was started or promoted anew, or to another one; it may not have all that the one
 * before had. Called before anything is run there. */
struct bo_redis_store *bo_redis_store_open(uv_loop_t *loop, const char *address, int64_t timeout_ms, void (*on_other_server)(void *arg), void *arg);
/* The port of NULL (closed) answers BO_ERR_UNAVAILABLE. */
struct bo_store bo_redis_store_port(struct bo_redis_store *store);
/* Sends now what else would be sent in the next turn of the loop; callbacks may run before it returns. NULL is fine. */
void bo_redis_store_flush(struct bo_redis_store *store);
bool bo_redis_store_is_up(const struct bo_redis_store *store);
/* Identity of the server of this connection, or of the last one (redis/server.h); "" while none was known. */
const char *bo_redis_store_server(const struct bo_redis_store *store);
int64_t bo_redis_store_since_us(const struct bo_redis_store *store); /* when it connected; 0 while it is not up */
void bo_redis_store_reconnect(struct bo_redis_store *store); /* the address may mean another server by now */
/* Fails everything pending; the memory goes with the loop's next turns. */
void bo_redis_store_close(struct bo_redis_store *store);

#define BO_REDIS_KEY_COUNT 15
#define BO_REDIS_KEY_COUNT_TEXT "15"
/* Key i of a sale, as lua/lib/sale.lua lists them; ret has 128 bytes. Returns its length. */
int bo_redis_key(const char *sale, int i, char *ret);

#endif
