/* SPDX-License-Identifier: Apache-2.0
 * Runs the scripts of lua/ and waits for the answer: for processes without an event loop, the scribe and the tools. */
#ifndef BO_REDIS_SCRIPTS_H
#define BO_REDIS_SCRIPTS_H

#include "boxoffice/ports.h"

struct bo_scripts;

/* BO_ERR_UNAVAILABLE, logged with the reason, when Redis cannot be reached, still loads its data, or is a replica. An answer is waited for timeout_ms. */
int bo_scripts_open(const char *address, int64_t timeout_ms, struct bo_scripts **ret) BO_CHECKED;
const char *bo_scripts_server(const struct bo_scripts *scripts); /* its identity (redis/server.h) */
void bo_scripts_close(struct bo_scripts *scripts);

/* *ret (may be NULL) is valid until the next call. Returns what the script answered, or BO_ERR_UNAVAILABLE: then the connection may be of no use any more. */
int bo_scripts_run(struct bo_scripts *scripts, const char *script, const char *sale, const struct bo_arg *args, size_t count, const struct bo_value **ret) BO_CHECKED;

/* Sends without waiting; up to 64 calls are under way. Returns the first problem of those that were answered meanwhile. */
int bo_scripts_send(struct bo_scripts *scripts, const char *script, const char *sale, const struct bo_arg *args, size_t count) BO_CHECKED;
int bo_scripts_wait(struct bo_scripts *scripts) BO_CHECKED; /* for all that was sent */

#endif
