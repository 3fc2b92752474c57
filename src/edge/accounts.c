/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/accounts.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "edge/logins.h"
#include "edge/passwords.h"
#include "edge/token.h"
#include "loop/loop.h"
#include "metrics/metrics.h"
#include "outside/caller.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMAIL_MAX 254 /* RFC 5321 */
#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define ACCOUNT_TOKEN_MS 600000
#define SESSION_COOKIE "bo_session"
#define SESSION_DAYS 30
/* Checked against when there is no such account, so that it takes as long to say so. Of no password. */
#define NOBODY "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* One request on its way through PostgreSQL and the threads that hash. */
struct request {
    struct bo_http *http;
    char email[EMAIL_MAX + 1];
    char password[PASSWORD_MAX + 1], fresh[PASSWORD_MAX + 1]; /* fresh: the new one */
    char person[BO_ID_MAX + 1];
    char session[BO_ID_MAX + 1]; /* made for him, or that he brought */
    char reset[BO_ID_MAX + 1];
    bool all;
    void (*run)(struct request *r); /* what it asks for, once it is known not to come too often */
    void (*hashed)(struct request *r, const char *hash);
};

static void finish(struct request *r) {
    memset(r->password, 0, sizeof(r->password));
    memset(r->fresh, 0, sizeof(r->fresh));
    free(r);
}

static void fail(struct request *r, int err, const char *detail) {
    bo_http_answer_error(r->http, err, detail);
    finish(r);
}

static void hash_token(const char *token, char ret[65]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token, strlen(token), digest);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++) snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

static void ask(struct request *r, const char *sql, const char *const *params, int count, bo_queue_cb cb) {
    bo_queue_run(r->http->gateway->postgres, sql, params, count, cb, r);
}

/* ---- sessions ---- */

static void set_cookie(struct bo_http *http, const char *session, int age_s) {
    bool secure = strncmp(http->gateway->config.public_url, "https:", 6) == 0;
    snprintf(http->set_cookie, sizeof(http->set_cookie), SESSION_COOKIE "=%s; HttpOnly; SameSite=Strict; Path=/; Max-Age=%d%s", session, age_s, secure ? "; Secure" : "");
}

static json_t *describe(struct request *r) {
    bo_ms expires = bo_loop_wall_ms() + ACCOUNT_TOKEN_MS;
    char *token = bo_token_account(&r->http->gateway->config, r->person, expires);
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "person", r->person, "email", r->email, "account", token, "account_expires_ms", (json_int_t)expires);
    free(token);
    return json;
}

static void session_made(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    (void)rows;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    json_t *json = describe(r);
    json_object_set_new(json, "session", json_string(r->session));
    set_cookie(r->http, r->session, SESSION_DAYS * 86400);
    bo_http_answer_json(r->http, 200, json);
    finish(r);
}

static void make_session(struct request *r) {
    char token[65];
    bo_text_random_id("s:", r->session);
    hash_token(r->session, token);
    const char *params[] = {token, r->person, r->http->agent};
    ask(r, "WITH old AS (DELETE FROM account_sessions WHERE account = $2 AND expires_at < now()) INSERT INTO account_sessions (token, account, agent) VALUES ($1, $2, $3)",
        params, 3, session_made);
}

/* The session of the cookie or the bearer's token; "" where there is none. */
static const char *session_of(const struct bo_http *http) { return *http->bearer ? http->bearer : http->session_cookie; }

/* Runs cb with {account, email, password, sessions} of the session, or answers that there is none. */
static void with_session(struct request *r, bo_queue_cb cb) {
    const char *session = session_of(r->http);
    if (!*session || strlen(session) > BO_ID_MAX) {
        fail(r, *session ? BO_ERR_TOKEN_FORGED : BO_ERR_TOKEN_MISSING, NULL);
        return;
    }
    char token[65];
    snprintf(r->session, sizeof(r->session), "%s", session);
    hash_token(session, token);
    const char *params[] = {token};
    ask(r, "SELECT a.id, a.email, a.password, (SELECT count(*) FROM account_sessions o WHERE o.account = a.id AND o.expires_at > now()) FROM account_sessions s"
           " JOIN accounts a ON a.id = s.account WHERE s.token = $1 AND s.expires_at > now()", params, 1, cb);
}

static bool take_account(struct request *r, int err, const struct bo_rows *rows) {
    if (err || bo_rows_count(rows) == 0) {
        fail(r, err ? BO_ERR_UNAVAILABLE : BO_ERR_TOKEN_FORGED, NULL);
        return false;
    }
    snprintf(r->person, sizeof(r->person), "%s", bo_rows_text(rows, 0, 0));
    snprintf(r->email, sizeof(r->email), "%s", bo_rows_text(rows, 0, 1));
    return true;
}

/* ---- passwords, in threads ---- */

static void work(struct request *r, const char *password, const char *hash, bo_password_cb cb) {
    if (!bo_password_work(&r->http->gateway->loop, &r->http->gateway->passwords, password, hash, cb, r)) fail(r, BO_ERR_OVERLOADED, NULL);
}

static void fresh_hashed(void *arg, const char *hash, bool right) {
    (void)right;
    struct request *r = arg;
    if (hash)
        r->hashed(r, hash);
    else
        fail(r, BO_ERR_OVERLOADED, NULL);
}

/* Runs hashed with what is to be kept of the new password. */
static void hash_fresh(struct request *r, void (*hashed)(struct request *r, const char *hash)) {
    r->hashed = hashed;
    work(r, r->fresh, NULL, fresh_hashed);
}

/* ---- sign up ---- */

static void account_made(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)rows;
    struct request *r = arg;
    if (err)
        fail(r, strcmp(state, "23505") == 0 ? BO_ERR_ACCOUNT_EXISTS : BO_ERR_UNAVAILABLE, NULL);
    else
        make_session(r);
}

static void hashed_for_account(struct request *r, const char *hash) {
    bo_text_random_id("a:", r->person);
    const char *params[] = {r->person, r->email, hash};
    ask(r, "INSERT INTO accounts (id, email, password) VALUES ($1, $2, $3)", params, 3, account_made);
}

static void sign_up(struct request *r) { hash_fresh(r, hashed_for_account); }

/* ---- log in ---- */

static void password_checked(void *arg, const char *hash, bool right) {
    (void)hash;
    struct request *r = arg;
    if (right && *r->person)
        make_session(r);
    else
        fail(r, BO_ERR_LOGIN_WRONG, NULL);
}

static void account_found(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    bool found = bo_rows_count(rows) > 0;
    if (found) take_account(r, 0, rows);
    work(r, r->password, found ? bo_rows_text(rows, 0, 2) : NOBODY, password_checked);
}

static void log_in(struct request *r) {
    const char *params[] = {r->email};
    ask(r, "SELECT id, email, password FROM accounts WHERE lower(email) = lower($1)", params, 1, account_found);
}

/* ---- log out ---- */

static void logged_out(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    set_cookie(r->http, "", 0);
    bo_http_answer_json(r->http, 200, json_pack("{s:I}", "sessions_ended", (json_int_t)bo_rows_number(rows, 0, 0)));
    finish(r);
}

static void log_out(struct request *r) {
    char token[65];
    hash_token(session_of(r->http), token);
    const char *params[] = {token, r->all ? "t" : "f"};
    ask(r, "WITH gone AS (DELETE FROM account_sessions WHERE token = $1 OR ($2::boolean AND account = (SELECT account FROM account_sessions WHERE token = $1)) RETURNING 1)"
           " SELECT count(*) FROM gone", params, 2, logged_out);
}

/* ---- change of the password: every other session ends ---- */

static void password_changed(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err || bo_rows_number(rows, 0, 0) == 0) {
        fail(r, err ? BO_ERR_UNAVAILABLE : BO_ERR_TOKEN_EXPIRED, NULL);
        return;
    }
    bo_http_answer_json(r->http, 200, json_pack("{s:b}", "changed", 1));
    finish(r);
}

static void hashed_for_change(struct request *r, const char *hash) {
    char token[65];
    hash_token(r->session, token);
    const char *params[] = {r->person, hash, token};
    ask(r, "WITH changed AS (UPDATE accounts SET password = $2 WHERE id = $1 RETURNING id), ended AS (DELETE FROM account_sessions WHERE account = $1 AND token <> $3),"
           " void AS (DELETE FROM password_resets WHERE account = $1) SELECT count(*) FROM changed", params, 3, password_changed);
}

static void old_checked(void *arg, const char *hash, bool right) {
    (void)hash;
    struct request *r = arg;
    if (right)
        hash_fresh(r, hashed_for_change);
    else
        fail(r, BO_ERR_LOGIN_WRONG, NULL);
}

static void session_for_change(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (take_account(r, err, rows)) work(r, r->password, bo_rows_text(rows, 0, 2), old_checked);
}

static void change_password(struct request *r) { with_session(r, session_for_change); }

/* ---- reset of a forgotten password, by mail ---- */

static void mail_sent(void *arg, const struct bo_reply *reply) {
    (void)arg;
    if (reply->verdict == BO_VERDICT_DONE) return;
    bool refused = reply->verdict == BO_VERDICT_REFUSED;
    bo_metric_add(refused ? BO_METRIC_mails_refused : BO_METRIC_mails_failed, 1);
    bo_log_error("mail: %s a reset link: %s (status %ld)", refused ? "the mail server refused" : "the mail server could not be given",
                 reply->problem, reply->status);
}

static void send_reset(struct bo_gateway *gateway, const char *email, const char *link_token) {
    const struct bo_config *config = &gateway->config;
    struct bo_buffer mail = {0};
    bo_buffer_printf(&mail,
                     "From: %s\r\nTo: %s\r\nSubject: Reset your password\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
                     "Somebody, you we hope, asked to reset the password of this address at %s.\r\nThis link sets a new one, once, within an hour:\r\n\r\n"
                     "%s/reset.html#%s\r\n\r\nIf it was not you, do nothing: your password stays as it is.\r\n",
                     config->mail_from, email, config->public_url, config->public_url, link_token);
    bo_caller_call(gateway->mail, &(struct bo_call){.url = config->mail_url, .body = mail.data, .user = *config->mail_user ? config->mail_user : NULL,
                                                    .mail_from = config->mail_from, .mail_to = email}, mail_sent, NULL);
    bo_buffer_free(&mail);
}

/* The answer does not say whether there is such an account. */
static void reset_made(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err) {
        fail(r, BO_ERR_UNAVAILABLE, NULL);
        return;
    }
    if (bo_rows_count(rows) > 0) send_reset(r->http->gateway, bo_rows_text(rows, 0, 0), r->reset);
    bo_http_answer_json(r->http, 202, json_pack("{s:b}", "sent_if_known", 1));
    finish(r);
}

static void ask_for_reset(struct request *r) {
    if (!*r->http->gateway->config.mail_url) {
        fail(r, BO_ERR_MAIL_UNAVAILABLE, NULL);
        return;
    }
    char token[65];
    bo_text_random_id("r:", r->reset);
    hash_token(r->reset, token);
    const char *params[] = {r->email, token};
    ask(r, "WITH old AS (DELETE FROM password_resets WHERE expires_at < now()), a AS (SELECT id, email FROM accounts WHERE lower(email) = lower($1)), made AS (INSERT INTO"
           " password_resets (token, account) SELECT $2, id FROM a) SELECT email FROM a", params, 2, reset_made);
}

static void hashed_for_reset(struct request *r, const char *hash) {
    char token[65];
    hash_token(r->reset, token);
    const char *params[] = {token, hash};
    ask(r, "WITH used AS (DELETE FROM password_resets WHERE token = $1 AND expires_at > now() RETURNING account), changed AS (UPDATE accounts SET password = $2 WHERE id IN"
           " (SELECT account FROM used) RETURNING id), ended AS (DELETE FROM account_sessions WHERE account IN (SELECT account FROM used)) SELECT count(*) FROM changed",
        params, 2, password_changed);
}

static void reset_password(struct request *r) { hash_fresh(r, hashed_for_reset); }

/* ---- what belongs to an account ---- */

static void told_account(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (!take_account(r, err, rows)) return;
    json_t *json = describe(r);
    json_object_set_new(json, "sessions", json_integer(bo_rows_number(rows, 0, 3)));
    bo_http_answer_json(r->http, 200, json);
    finish(r);
}

static void tell_account(struct request *r) { with_session(r, told_account); }

static void orders_read(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (err)
        bo_http_answer_error(r->http, BO_ERR_UNAVAILABLE, NULL);
    else
        bo_http_answer(r->http, 200, "application/json", bo_rows_text(rows, 0, 0), strlen(bo_rows_text(rows, 0, 0)));
    finish(r);
}

static void session_for_orders(void *arg, int err, const char *state, const struct bo_rows *rows) {
    (void)state;
    struct request *r = arg;
    if (!take_account(r, err, rows)) return;
    const char *params[] = {r->person};
    ask(r, "SELECT json_build_object('orders', (SELECT coalesce(json_agg(json_build_object('order', o.id, 'sale', o.sale, 'name', s.name, 'status', o.status, 'amount', o.amount,"
           " 'refunded', o.refunded, 'currency', o.currency, 'digits', currency_digits(o.currency), 'at_ms', o.at_ms) ORDER BY o.at_ms DESC), '[]') FROM orders o JOIN sales s ON s.id = o.sale WHERE o.person = $1),"
           " 'tickets', (SELECT coalesce(json_agg(json_build_object('sale', t.sale, 'seat', p.guid, 'order', t.order_id) ORDER BY t.sale, t.seat), '[]') FROM tickets t JOIN seats p"
           " USING (sale, seat) WHERE t.person = $1))::text", params, 1, orders_read);
}

static void list_orders(struct request *r) { with_session(r, session_for_orders); }

static void attempt_counted(void *arg, bo_ms wait) {
    struct request *r = arg;
    r->http->retry_ms = wait;
    if (wait)
        fail(r, BO_ERR_TOO_MANY, NULL);
    else
        r->run(r);
}

/* ---- routes ---- */

enum { EMAIL = 1, PASSWORD = 2, FRESH = 4, RESET = 8 };

static const struct route {
    const char *method, *path;
    void (*run)(struct request *r);
    int needs;
    bool guarded; /* by the limits of attempts */
} routes[] = {{"POST", "/api/accounts", sign_up, EMAIL | FRESH, true},
              {"POST", "/api/accounts/login", log_in, EMAIL | PASSWORD, true},
              {"POST", "/api/accounts/logout", log_out, 0, false},
              {"POST", "/api/accounts/password", change_password, PASSWORD | FRESH, true},
              {"POST", "/api/accounts/reset", ask_for_reset, EMAIL, true},
              {"POST", "/api/accounts/reset/confirm", reset_password, RESET | FRESH, true},
              {"GET", "/api/accounts/me", tell_account, 0, false},
              {"GET", "/api/accounts/orders", list_orders, 0, false}};

static bool take_text(const json_t *body, const char *name, size_t min, size_t max, char *ret) {
    const char *text = json_string_value(json_object_get(body, name));
    if (!text || strlen(text) < min || strlen(text) > max) return false;
    strcpy(ret, text);
    return true;
}

/* Something, an @, something with a dot; no spaces or control characters, which could become lines of a mail. */
static bool is_email(const char *text) {
    const char *at = strrchr(text, '@');
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127 || strchr("<>,;\"", *c)) return false;
    return at && at > text && strchr(at + 1, '.') && at[1] != '.' && at[strlen(at) - 1] != '.';
}

/* What is wrong, or NULL. */
static const char *read_body(const struct route *route, const json_t *body, struct request *r) {
    const char *fresh = route->needs & PASSWORD ? "new_password" : "password";
    if ((route->needs & EMAIL) && (!take_text(body, "email", 3, EMAIL_MAX, r->email) || !is_email(r->email))) return "email: an address like ada@example.org";
    if ((route->needs & PASSWORD) && !take_text(body, "password", 1, PASSWORD_MAX, r->password)) return "password: the present one";
    if ((route->needs & FRESH) && !take_text(body, fresh, PASSWORD_MIN, PASSWORD_MAX, r->fresh)) return "a password of 8 to 256 bytes is needed";
    if ((route->needs & RESET) && !take_text(body, "reset", 1, BO_ID_MAX, r->reset)) return "reset: what stands behind # in the link of the mail";
    r->all = json_is_true(json_object_get(body, "all"));
    return NULL;
}

static void run_route(struct bo_http *http, const struct route *route) {
    bool posts = route->method[0] == 'P';
    json_t *body = posts ? json_loadb(http->body.length ? http->body.data : "{}", http->body.length ? http->body.length : 2, 0, NULL) : NULL;
    struct request *r = bo_alloc(sizeof(*r));
    *r = (struct request){.http = http, .run = route->run};
    const char *wrong = body ? read_body(route, body, r) : NULL;
    int err = wrong ? BO_ERR_BAD_MESSAGE : 0;
    if (posts && !json_is_object(body)) err = BO_ERR_BAD_JSON;
    json_decref(body);
    if (err)
        fail(r, err, wrong);
    else if (route->guarded)
        bo_logins_count(http, *r->email ? r->email : session_of(http), attempt_counted, r);
    else
        route->run(r);
}

bool bo_accounts_run(struct bo_http *http) {
    bool known = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(http->path, routes[i].path) != 0) continue;
        known = true;
        if (strcmp(http->method, routes[i].method) != 0) continue;
        run_route(http, &routes[i]);
        return true;
    }
    if (known) bo_http_answer_error(http, BO_ERR_BAD_METHOD, NULL);
    return known;
}
