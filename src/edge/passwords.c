/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/passwords.h"

#include "base/memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct work {
    uv_work_t work; /* first member */
    struct bo_passwords *passwords;
    char *password, *hash; /* hash NULL: to be made */
    char made[crypto_pwhash_STRBYTES];
    bool good;
    bo_password_cb cb;
    void *arg;
};

static void do_work(uv_work_t *req) {
    struct work *w = (struct work *)req;
    size_t length = strlen(w->password);
    if (w->hash)
        w->good = crypto_pwhash_str_verify(w->hash, w->password, length) == 0;
    else
        w->good = crypto_pwhash_str(w->made, w->password, length, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

static void done(uv_work_t *req, int status) {
    (void)status;
    struct work *w = (struct work *)req;
    w->passwords->under_way--;
    w->cb(w->arg, w->hash || !w->good ? NULL : w->made, w->hash && w->good);
    sodium_memzero(w->password, strlen(w->password));
    free(w->password);
    free(w->hash);
    free(w);
}

bool bo_password_work(uv_loop_t *loop, struct bo_passwords *passwords, const char *password, const char *hash, bo_password_cb cb, void *arg) {
    if (passwords->under_way >= BO_PASSWORDS_MAX || sodium_init() < 0) return false;
    struct work *w = bo_alloc(sizeof(*w));
    *w = (struct work){.passwords = passwords, .password = bo_strdup(password), .hash = hash ? bo_strdup(hash) : NULL, .cb = cb, .arg = arg};
    passwords->under_way++;
    if (uv_queue_work(loop, &w->work, do_work, done) != 0) abort();
    return true;
}
