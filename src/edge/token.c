/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/token.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jwt_t *start(const char *purpose, const char *sale) {
    jwt_t *jwt = NULL;
    if (jwt_new(&jwt) != 0 || jwt_add_grant(jwt, "typ", purpose) != 0 || jwt_add_grant(jwt, "sale", sale) != 0) abort();
    return jwt;
}

static char *sign(const struct bo_config *config, jwt_t *jwt) {
    const char *secret = config->secret;
    if (jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen(secret)) != 0) abort();
    char *token = jwt_encode_str(jwt);
    if (!token) abort();
    jwt_free(jwt);
    return token;
}

/* Written by hand, since everyone who joins is given one: a JWT library takes ten times as long. */
void bo_token_place(struct bo_keys *keys, const char *sale, const char *person, bo_ms expires, char ret[BO_PLACE_TOKEN_MAX]) {
    static const char head[] = "eyJhbGciOiJIUzI1NiJ9."; /* {"alg":"HS256"} */
    char claims[2 * BO_ID_MAX + 80], *at = bo_text_put(claims, "{\"typ\":\"place\",\"sale\":\"");
    unsigned char mac[32];
    at = bo_text_put(at, sale);
    at = bo_text_put(at, "\",\"sub\":\"");
    at = bo_text_put(at, person);
    at = bo_text_put(at, "\",\"exp\":");
    at = bo_text_put(bo_text_put_number(at, expires / 1000), "}");
    memcpy(ret, head, sizeof(head) - 1);
    size_t length = sizeof(head) - 1;
    length += bo_text_base64url(claims, (size_t)(at - claims), ret + length);
    bo_keys_mac(keys, ret, length, mac);
    ret[length++] = '.';
    bo_text_base64url(mac, sizeof(mac), ret + length);
}

char *bo_token_access(const struct bo_config *config, struct bo_keys *keys, const char *sale, const char *person, int64_t number, bo_ms now,
                      bo_ms expires) {
    struct bo_buffer claims = {0};
    bo_buffer_add_text(&claims, "{\"iss\":\"");
    bo_buffer_add_json(&claims, config->public_url);
    bo_buffer_printf(&claims, "\",\"aud\":\"%s\",\"sub\":\"%s\",\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"typ\":\"access\",\"num\":%" PRId64 "}", sale,
                     person, now / 1000, expires / 1000, number);
    char *token = bo_keys_sign(keys, claims.data, now);
    bo_buffer_free(&claims);
    return token;
}

char *bo_token_invitation(const struct bo_config *config, const struct bo_invitation_claim *claim, bo_ms expires) {
    jwt_t *jwt = start("invite", claim->sale);
    if (jwt_add_grant(jwt, "lane", claim->lane) != 0 || (*claim->channel && jwt_add_grant(jwt, "channel", claim->channel) != 0) || jwt_add_grant(jwt, "jti", claim->id) != 0 ||
        (*claim->person && jwt_add_grant(jwt, "sub", claim->person) != 0) || jwt_add_grant_int(jwt, "exp", expires / 1000) != 0)
        abort();
    return sign(config, jwt);
}

char *bo_token_ticket(struct bo_keys *keys, const struct bo_ticket_claim *claim) {
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I}", "typ", "ticket", "sale", claim->sale, "seat", claim->seat, "order", claim->order, "serial",
                             (json_int_t)claim->serial);
    char *text = json_dumps(json, JSON_COMPACT), *token = text ? bo_keys_sign_ticket(keys, text) : NULL;
    if (!token) abort(); /* no memory */
    json_decref(json);
    free(text);
    return token;
}

char *bo_token_transfer(const struct bo_config *config, const struct bo_ticket_claim *claim, const char *from, bo_ms expires) {
    jwt_t *jwt = start("transfer", claim->sale);
    if (jwt_add_grant(jwt, "seat", claim->seat) != 0 || jwt_add_grant(jwt, "order", claim->order) != 0 || jwt_add_grant(jwt, "from", from) != 0 ||
        jwt_add_grant_int(jwt, "serial", claim->serial) != 0 || jwt_add_grant_int(jwt, "exp", expires / 1000) != 0)
        abort();
    return sign(config, jwt);
}

char *bo_token_link(const struct bo_config *config, const struct bo_link_claim *claim) {
    jwt_t *jwt = start("link", claim->sale);
    if (jwt_add_grant(jwt, "order", claim->order) != 0 || jwt_add_grant(jwt, "sub", claim->person) != 0 ||
        jwt_add_grant_int(jwt, "exp", claim->expires / 1000) != 0)
        abort();
    return sign(config, jwt);
}

char *bo_token_account(const struct bo_config *config, const char *person, bo_ms expires) {
    jwt_t *jwt = start("account", "");
    if (jwt_add_grant(jwt, "sub", person) != 0 || jwt_add_grant_int(jwt, "exp", expires / 1000) != 0) abort();
    return sign(config, jwt);
}

static bool copy_grant(jwt_t *jwt, const char *name, char ret[BO_ID_MAX + 1]) {
    const char *text = jwt_get_grant(jwt, name);
    if (!text || !*text || strlen(text) > BO_ID_MAX) return false;
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

static int open_token(const char *token, const char *key, jwt_alg_t algorithm, jwt_t **ret) {
    if (strlen(token) > BO_TOKEN_MAX) return BO_ERR_TOKEN_FORGED;
    jwt_t *jwt = NULL;
    if (jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key)) != 0) return BO_ERR_TOKEN_FORGED;
    if (jwt_get_alg(jwt) != algorithm) { /* "none", or a public key taken as a shared secret */
        jwt_free(jwt);
        return BO_ERR_TOKEN_FORGED;
    }
    *ret = jwt;
    return 0;
}

static bool expired(jwt_t *jwt, bo_ms now) { return jwt_get_grant_int(jwt, "exp") * 1000 <= now; }

static int open_own(const struct bo_config *config, const char *token, const char *purpose, jwt_t **ret) {
    int err = open_token(token, config->secret, JWT_ALG_HS256, ret);
    if (err) return err;
    const char *typ = jwt_get_grant(*ret, "typ");
    if (typ && strcmp(typ, purpose) == 0) return 0;
    jwt_free(*ret);
    return BO_ERR_TOKEN_FOREIGN;
}

int bo_token_read_place(const struct bo_config *config, const char *token, bo_ms now, struct bo_place_claim *ret) {
    jwt_t *jwt;
    int err = open_own(config, token, "place", &jwt);
    if (err) return err;
    if (!copy_grant(jwt, "sale", ret->sale) || !copy_grant(jwt, "sub", ret->person))
        err = BO_ERR_TOKEN_FORGED;
    else if (expired(jwt, now))
        err = BO_ERR_TOKEN_EXPIRED;
    ret->number = 0;
    ret->expires = jwt_get_grant_int(jwt, "exp") * 1000;
    jwt_free(jwt);
    return err;
}

int bo_token_read_access(struct bo_keys *keys, const char *token, bo_ms now, struct bo_place_claim *ret) {
    char *text;
    int err = bo_keys_open(keys, token, now, &text);
    if (err) return err;
    json_t *json = json_loads(text, 0, NULL);
    const char *sale, *person, *purpose;
    json_int_t expires, number;
    if (json_unpack(json, "{s:s, s:s, s:s, s:I, s:I}", "aud", &sale, "sub", &person, "typ", &purpose, "exp", &expires, "num", &number) != 0 ||
        strcmp(purpose, "access") != 0 || strlen(sale) > BO_ID_MAX || strlen(person) > BO_ID_MAX) {
        err = BO_ERR_TOKEN_FORGED;
    } else {
        strcpy(ret->sale, sale);
        strcpy(ret->person, person);
        ret->number = number;
        if (expires * 1000 <= now) err = BO_ERR_TOKEN_EXPIRED;
    }
    json_decref(json);
    free(text);
    return err;
}

int bo_token_read_invitation(const struct bo_config *config, const char *token, bo_ms now, struct bo_invitation_claim *ret) {
    jwt_t *jwt;
    int err = open_own(config, token, "invite", &jwt);
    if (err) return err;
    if (!copy_grant(jwt, "lane", ret->lane)) *ret->lane = '\0';
    if (!copy_grant(jwt, "channel", ret->channel)) *ret->channel = '\0';
    if (!copy_grant(jwt, "sale", ret->sale) || !copy_grant(jwt, "jti", ret->id) || (!*ret->lane && !*ret->channel))
        err = BO_ERR_TOKEN_FORGED;
    else if (expired(jwt, now))
        err = BO_ERR_TOKEN_EXPIRED;
    if (!copy_grant(jwt, "sub", ret->person)) *ret->person = '\0';
    jwt_free(jwt);
    return err;
}

static int read_ticket_claims(const json_t *json, struct bo_ticket_claim *ret) {
    const char *purpose, *sale, *seat, *order;
    json_int_t serial;
    if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:s, s:I}", "typ", &purpose, "sale", &sale, "seat", &seat, "order", &order, "serial", &serial) != 0 ||
        strcmp(purpose, "ticket") != 0 || strlen(sale) > BO_ID_MAX || strlen(seat) > BO_ID_MAX || strlen(order) > BO_ID_MAX)
        return BO_ERR_TOKEN_FORGED;
    *ret = (struct bo_ticket_claim){.serial = serial};
    strcpy(ret->sale, sale);
    strcpy(ret->seat, seat);
    strcpy(ret->order, order);
    return 0;
}

int bo_token_read_ticket(struct bo_keys *keys, const char *token, struct bo_ticket_claim *ret) {
    char *text;
    int err = bo_keys_open_ticket(keys, token, &text);
    if (err) return err;
    json_t *json = json_loads(text, 0, NULL);
    err = read_ticket_claims(json, ret);
    json_decref(json);
    free(text);
    return err;
}

int bo_token_read_transfer(const struct bo_config *config, const char *token, bo_ms now, struct bo_ticket_claim *ret, char ret_from[BO_ID_MAX + 1]) {
    jwt_t *jwt;
    int err = open_own(config, token, "transfer", &jwt);
    if (err) return err;
    if (!copy_grant(jwt, "sale", ret->sale) || !copy_grant(jwt, "seat", ret->seat) || !copy_grant(jwt, "order", ret->order) || !copy_grant(jwt, "from", ret_from))
        err = BO_ERR_TOKEN_FORGED;
    else if (expired(jwt, now))
        err = BO_ERR_TOKEN_EXPIRED;
    ret->serial = jwt_get_grant_int(jwt, "serial");
    jwt_free(jwt);
    return err;
}

int bo_token_read_link(const struct bo_config *config, const char *token, struct bo_link_claim *ret) {
    jwt_t *jwt;
    int err = open_own(config, token, "link", &jwt);
    if (err) return err;
    bool whole = copy_grant(jwt, "sale", ret->sale) && copy_grant(jwt, "order", ret->order) && copy_grant(jwt, "sub", ret->person);
    ret->expires = jwt_get_grant_int(jwt, "exp") * 1000;
    jwt_free(jwt);
    return whole ? 0 : BO_ERR_TOKEN_FORGED;
}

int bo_token_read_account(const struct bo_config *config, const char *token, bo_ms now, char ret_person[BO_ID_MAX + 1]) {
    jwt_t *jwt;
    int err = open_own(config, token, "account", &jwt);
    if (err) return err;
    if (!copy_grant(jwt, "sub", ret_person))
        err = BO_ERR_TOKEN_FORGED;
    else if (expired(jwt, now))
        err = BO_ERR_TOKEN_EXPIRED;
    jwt_free(jwt);
    return err;
}

/* A text of 1 to BO_SUBJECT_MAX bytes, or a whole number, which is its decimal text. */
static bool read_subject(const json_t *sub, char ret[BO_SUBJECT_MAX + 1]) {
    const char *text = json_string_value(sub);
    if (json_is_integer(sub)) snprintf(ret, BO_SUBJECT_MAX + 1, "%" JSON_INTEGER_FORMAT, json_integer_value(sub));
    if (json_is_integer(sub)) return true;
    if (!text || !*text || strlen(text) > BO_SUBJECT_MAX) return false;
    strcpy(ret, text);
    return true;
}

static int read_site_claims(const json_t *claims, bo_ms now, struct bo_site_claim *ret) {
    const json_t *expires = json_object_get(claims, "exp");
    const char *lane = json_string_value(json_object_get(claims, "lane"));
    if (!read_subject(json_object_get(claims, "sub"), ret->subject)) return BO_ERR_TOKEN_SUBJECT;
    if (!json_is_number(expires)) return BO_ERR_TOKEN_TIME; /* may have decimals (RFC 7519, 2) */
    if (json_number_value(expires) * 1000 <= (double)now) return BO_ERR_TOKEN_EXPIRED;
    if (!bo_subject_person(ret->subject, ret->person)) *ret->subject = '\0';
    snprintf(ret->lane, sizeof(ret->lane), "%s", lane && strlen(lane) < sizeof(ret->lane) ? lane : "");
    return 0;
}

int bo_token_read_site(const struct bo_config *config, const char *token, bo_ms now, struct bo_site_claim *ret) {
    jwt_alg_t algorithm = jwt_str_alg(config->jwt_algorithm); /* HS256, RS256 or ES256; "none" is refused below */
    if (algorithm == JWT_ALG_NONE || algorithm == JWT_ALG_INVAL) return BO_ERR_TOKEN_FORGED;
    jwt_t *jwt;
    int err = open_token(token, config->jwt_key, algorithm, &jwt);
    if (err) return err;
    char *text = jwt_get_grants_json(jwt, NULL);
    json_t *claims = text ? json_loads(text, 0, NULL) : NULL;
    err = read_site_claims(claims, now, ret);
    json_decref(claims);
    free(text);
    jwt_free(jwt);
    return err;
}
