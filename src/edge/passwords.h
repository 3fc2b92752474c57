/* SPDX-License-Identifier: Apache-2.0
 * Passwords by argon2id (RFC 9106) as libsodium does it, with its limits for interactive use (2 passes, 64 MiB): some 60 ms of a core, so it is done
 * in libuv's threads, at most BO_PASSWORDS_MAX at a time. */
#ifndef BO_EDGE_PASSWORDS_H
#define BO_EDGE_PASSWORDS_H

#include <stdbool.h>
#include <uv.h>

#define BO_PASSWORDS_MAX 32

struct bo_passwords { /* zero: none under way */
    int under_way;
};

/* hash: of a new password, valid during the callback, NULL: there was no memory for it. right: for a check. */
typedef void (*bo_password_cb)(void *arg, const char *hash, bool right);

/* Makes a hash of password, or with hash not NULL checks it against that; both are copied. False: too many are under way, cb is not called;
 * else it is called once, later. */
bool bo_password_work(uv_loop_t *loop, struct bo_passwords *passwords, const char *password, const char *hash, bo_password_cb cb, void *arg);

#endif
