/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/logins.h"

#include "base/memory.h"
#include "base/text.h"
#include "loop/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 60000
#define KEY_MAX 64

/* Of a request, the address first: who is refused by it takes nobody's attempts away. */
enum { ADDRESS, ACCOUNT, LIMITS };

struct attempt {
    struct bo_http *http;
    bo_login_cb cb;
    void *arg;
    int at; /* which limit is asked */
    char keys[LIMITS][KEY_MAX];
    int64_t most[LIMITS];
};

static void ask(struct attempt *a);

static void finish(struct attempt *a, bo_ms wait) {
    a->cb(a->arg, wait);
    free(a);
}

/* While Redis is away. */
static bo_ms count_here(struct attempt *a) {
    struct bo_limits *limits = &a->http->gateway->logins;
    struct bo_address *counter = bo_limits_connect(limits, a->keys[a->at], 0);
    bo_ms wait = bo_limits_join(counter, a->most[a->at], bo_loop_steady_ms());
    bo_limits_disconnect(limits, counter);
    return wait;
}

static void counted(void *arg, int err, const struct bo_value *v) {
    struct attempt *a = arg;
    bo_ms wait = err ? count_here(a) : 0;
    if (err == BO_ERR_TOO_MANY) wait = bo_value_number(v, 1) > 0 ? bo_value_number(v, 1) : 1;
    if (wait) {
        finish(a, wait);
        return;
    }
    a->at++;
    ask(a);
}

static void ask(struct attempt *a) {
    while (a->at < LIMITS && !a->most[a->at]) a->at++;
    if (a->at == LIMITS) {
        finish(a, 0);
        return;
    }
    char most[24], window[24];
    size_t most_length = (size_t)snprintf(most, sizeof(most), "%" PRId64, a->most[a->at]);
    size_t window_length = (size_t)snprintf(window, sizeof(window), "%d", WINDOW_MS);
    const struct bo_arg args[] = {{most, most_length}, {window, window_length}};
    const struct bo_store *store = &a->http->gateway->store;
    store->run(store->self, "limit_count", a->keys[a->at], args, 2, counted, a);
}

/* A name no sale can have, of a MAC with the server's secret: an address is not to be read in Redis, nor a key to be found for one that
 * shares it. Letters of either case are one account, as they are when it is looked up; beyond ASCII, any letter counts as any other. */
static void make_key(const struct bo_gateway *gateway, char kind, const char *text, char ret[KEY_MAX]) {
    struct bo_buffer folded = {0};
    char mac[65];
    bo_buffer_add(&folded, &kind, 1);
    for (const char *c = text; *c; c++) {
        char letter = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
        if ((unsigned char)letter >= 0x80) letter = '?';
        bo_buffer_add(&folded, &letter, 1);
    }
    bo_text_hmac(gateway->config.secret, folded.data, folded.length, mac);
    snprintf(ret, KEY_MAX, "~%c:%.32s", kind, mac);
    bo_buffer_free(&folded);
}

void bo_logins_count(struct bo_http *http, const char *account, bo_login_cb cb, void *arg) {
    const struct bo_config *config = &http->gateway->config;
    struct attempt *a = bo_alloc(sizeof(*a));
    *a = (struct attempt){.http = http, .cb = cb, .arg = arg, .most = {config->login_address_per_min, config->login_per_min}};
    make_key(http->gateway, 'n', http->address, a->keys[ADDRESS]);
    make_key(http->gateway, 'a', account, a->keys[ACCOUNT]);
    if (!*account) a->most[ACCOUNT] = 0;
    ask(a);
}
