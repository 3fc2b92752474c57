/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/keys.h"

#include "base/memory.h"
#include "base/text.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 4 /* keys at hand: the three that are published and one that has just gone */
#define POINT 65
#define SIGNATURE 64

struct key {
    int64_t period;
    EVP_PKEY *pkey; /* NULL: not made yet */
    EVP_PKEY_CTX *signer, *checker;
    unsigned char point[POINT];
    char kid[24];
};

struct bo_keys {
    char *secret;
    EVP_MD_CTX *inner, *outer, *work; /* SHA-256 begun with the secret's two pads */
    int64_t rotation_ms;
    struct key keys[KEPT];
    EVP_PKEY *tickets;
};

static EVP_MD_CTX *begin_mac(const char *secret, unsigned char pad) {
    unsigned char block[64] = {0};
    size_t length = strlen(secret);
    if (length > sizeof(block))
        SHA256((const unsigned char *)secret, length, block);
    else
        memcpy(block, secret, length);
    for (size_t i = 0; i < sizeof(block); i++) block[i] ^= pad;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) <= 0 || EVP_DigestUpdate(ctx, block, sizeof(block)) <= 0) abort();
    return ctx;
}

void bo_keys_mac(struct bo_keys *keys, const void *text, size_t length, unsigned char ret[32]) {
    unsigned char digest[32];
    if (EVP_MD_CTX_copy_ex(keys->work, keys->inner) <= 0 || EVP_DigestUpdate(keys->work, text, length) <= 0 ||
        EVP_DigestFinal_ex(keys->work, digest, NULL) <= 0 || EVP_MD_CTX_copy_ex(keys->work, keys->outer) <= 0 ||
        EVP_DigestUpdate(keys->work, digest, sizeof(digest)) <= 0 || EVP_DigestFinal_ex(keys->work, ret, NULL) <= 0)
        abort();
}

static EVP_PKEY *make_ticket_key(const char *secret) {
    static const char label[] = "boxoffice ticket key";
    unsigned char seed[32];
    unsigned length = sizeof(seed);
    EVP_PKEY *key = NULL;
    if (HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)label, sizeof(label) - 1, seed, &length))
        key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    if (!key) abort();
    return key;
}

struct bo_keys *bo_keys_new(const char *secret, int64_t rotation_h) {
    struct bo_keys *keys = bo_alloc(sizeof(*keys));
    keys->secret = bo_strdup(secret);
    keys->rotation_ms = rotation_h * 3600000;
    keys->inner = begin_mac(secret, 0x36);
    keys->outer = begin_mac(secret, 0x5c);
    keys->tickets = make_ticket_key(secret);
    keys->work = EVP_MD_CTX_new();
    if (!keys->work) abort(); /* no memory */
    return keys;
}

static void free_key(struct key *key) {
    EVP_PKEY_CTX_free(key->signer);
    EVP_PKEY_CTX_free(key->checker);
    EVP_PKEY_free(key->pkey);
    *key = (struct key){0};
}

void bo_keys_free(struct bo_keys *keys) {
    if (!keys) return;
    for (int i = 0; i < KEPT; i++) free_key(&keys->keys[i]);
    EVP_PKEY_free(keys->tickets);
    EVP_MD_CTX_free(keys->inner);
    EVP_MD_CTX_free(keys->outer);
    EVP_MD_CTX_free(keys->work);
    free(keys->secret);
    free(keys);
}

/* ---- making a key ---- */

/* 1 + (512 bits of HMAC-SHA256 of secret, label and counter) mod (n - 1): as good as drawn at random, and always the same. */
static BIGNUM *private_number(const char *secret, int64_t period, const EC_GROUP *group) {
    char hex[129], label[64];
    for (int block = 0; block < 2; block++) {
        int n = snprintf(label, sizeof(label), "boxoffice admission key %" PRId64 " %d", period, block);
        bo_text_hmac(secret, label, (size_t)n, hex + block * 64);
    }
    BIGNUM *number = NULL, *order = BN_dup(EC_GROUP_get0_order(group));
    BN_CTX *ctx = BN_CTX_new();
    if (!order || !ctx || !BN_hex2bn(&number, hex) || !BN_sub_word(order, 1) || !BN_mod(number, number, order, ctx) || !BN_add_word(number, 1))
        abort();
    BN_free(order);
    BN_CTX_free(ctx);
    return number;
}

static void make_key(struct bo_keys *keys, struct key *key, int64_t period) {
    EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *number = private_number(keys->secret, period, group);
    if (!point || !EC_POINT_mul(group, point, number, NULL, NULL, NULL) ||
        EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, key->point, POINT, NULL) != POINT)
        abort();
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, key->point, POINT);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key->pkey, EVP_PKEY_KEYPAIR, params) <= 0) abort();
    key->signer = EVP_PKEY_CTX_new(key->pkey, NULL);
    key->checker = EVP_PKEY_CTX_new(key->pkey, NULL);
    if (EVP_PKEY_sign_init(key->signer) <= 0 || EVP_PKEY_verify_init(key->checker) <= 0) abort();
    key->period = period;
    snprintf(key->kid, sizeof(key->kid), "bo-%" PRId64, period);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(number);
    EC_POINT_free(point);
    EC_GROUP_free(group);
}

static struct key *key_of(struct bo_keys *keys, int64_t period) {
    struct key *key = &keys->keys[period % KEPT];
    if (key->pkey && key->period == period) return key;
    free_key(key);
    make_key(keys, key, period);
    return key;
}

/* ---- tokens ---- */

/* Exactly as it was written: what decodes to the same bytes but is written otherwise is refused. -1: no base64url. */
static int read_base64url(const char *text, size_t length, unsigned char *ret, size_t room) {
    char padded[BO_KEYS_TOKEN_MAX + 8], again[BO_KEYS_TOKEN_MAX + 8];
    if (length > BO_KEYS_TOKEN_MAX || (length + 3) / 4 * 3 > room) return -1;
    for (size_t i = 0; i < length; i++) padded[i] = text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i];
    size_t n = length;
    while (n % 4) padded[n++] = '=';
    int got = EVP_DecodeBlock(ret, (unsigned char *)padded, (int)n);
    if (got < 0) return -1;
    got -= (int)(n - length);
    return bo_text_base64url(ret, (size_t)got, again) == length && memcmp(again, text, length) == 0 ? got : -1;
}

static void sign_digest(struct key *key, const unsigned char digest[32], unsigned char ret[SIGNATURE]) {
    unsigned char der[128];
    const unsigned char *at = der;
    size_t length = sizeof(der);
    if (EVP_PKEY_sign(key->signer, der, &length, digest, 32) <= 0) abort();
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
    if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret, 32) < 0 || BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret + 32, 32) < 0)
        abort();
    ECDSA_SIG_free(signature);
}

static bool digest_is_signed(struct key *key, const unsigned char digest[32], const unsigned char signature[SIGNATURE]) {
    unsigned char der[128], *at = der;
    ECDSA_SIG *parts = ECDSA_SIG_new();
    if (!parts || !ECDSA_SIG_set0(parts, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL))) abort();
    int length = i2d_ECDSA_SIG(parts, &at);
    ECDSA_SIG_free(parts);
    return length > 0 && EVP_PKEY_verify(key->checker, der, (size_t)length, digest, 32) == 1;
}

char *bo_keys_sign(struct bo_keys *keys, const char *claims, bo_ms now) {
    struct key *key = key_of(keys, now / keys->rotation_ms);
    char head[96];
    unsigned char digest[32], signature[SIGNATURE];
    int n = snprintf(head, sizeof(head), "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", key->kid);
    char *token = bo_alloc(128 + strlen(claims) * 4 / 3 + 4 + 96), *at = token;
    at += bo_text_base64url(head, (size_t)n, at);
    *at++ = '.';
    at += bo_text_base64url(claims, strlen(claims), at);
    SHA256((unsigned char *)token, (size_t)(at - token), digest);
    sign_digest(key, digest, signature);
    *at++ = '.';
    bo_text_base64url(signature, SIGNATURE, at);
    return token;
}

/* The period a token's header names, or -1: only {"alg":"ES256","typ":"JWT","kid":"bo-N"} is written by us. */
static int64_t period_in(const char *head, size_t length) {
    unsigned char text[160] = {0};
    int64_t period;
    int end = 0, n = read_base64url(head, length, text, sizeof(text) - 1);
    if (n < 0) return -1;
    text[n] = '\0';
    return sscanf((char *)text, "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"bo-%" SCNd64 "\"}%n", &period, &end) == 1 && end == n ? period : -1;
}

int bo_keys_open(struct bo_keys *keys, const char *token, bo_ms now, char **ret_claims) {
    const char *claims = strchr(token, '.'), *signature = claims ? strchr(claims + 1, '.') : NULL;
    if (!signature || strlen(token) > BO_KEYS_TOKEN_MAX) return BO_ERR_TOKEN_FORGED;
    int64_t period = period_in(token, (size_t)(claims - token)), present = now / keys->rotation_ms;
    if (period < 0) return BO_ERR_TOKEN_FOREIGN;
    if (period < present - 1 || period > present + 1) return BO_ERR_TOKEN_FORGED;
    unsigned char digest[32], signed_by[SIGNATURE + 8], text[BO_KEYS_TOKEN_MAX];
    if (read_base64url(signature + 1, strlen(signature + 1), signed_by, sizeof(signed_by)) != SIGNATURE) return BO_ERR_TOKEN_FORGED;
    SHA256((const unsigned char *)token, (size_t)(signature - token), digest);
    if (!digest_is_signed(key_of(keys, period), digest, signed_by)) return BO_ERR_TOKEN_FORGED;
    int n = read_base64url(claims + 1, (size_t)(signature - claims - 1), text, sizeof(text) - 1);
    if (n < 0) return BO_ERR_TOKEN_FORGED;
    text[n] = '\0';
    *ret_claims = bo_strdup((char *)text);
    return 0;
}

/* ---- tickets ---- */

#define TICKET_HEAD "{\"alg\":\"EdDSA\",\"kid\":\"bo-tickets\"}"

char *bo_keys_sign_ticket(struct bo_keys *keys, const char *claims) {
    unsigned char signature[SIGNATURE];
    size_t length = sizeof(signature);
    char *token = bo_alloc(96 + strlen(claims) * 4 / 3 + 4 + 96), *at = token;
    at += bo_text_base64url(TICKET_HEAD, strlen(TICKET_HEAD), at);
    *at++ = '.';
    at += bo_text_base64url(claims, strlen(claims), at);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, NULL, NULL, keys->tickets) <= 0 ||
        EVP_DigestSign(ctx, signature, &length, (unsigned char *)token, (size_t)(at - token)) <= 0)
        abort();
    EVP_MD_CTX_free(ctx);
    *at++ = '.';
    bo_text_base64url(signature, length, at);
    return token;
}

int bo_keys_open_ticket(struct bo_keys *keys, const char *token, char **ret_claims) {
    const char *claims = strchr(token, '.'), *signature = claims ? strchr(claims + 1, '.') : NULL;
    if (!signature || strlen(token) > BO_KEYS_TOKEN_MAX) return BO_ERR_TOKEN_FORGED;
    unsigned char signed_by[SIGNATURE + 8], text[BO_KEYS_TOKEN_MAX];
    int n = read_base64url(token, (size_t)(claims - token), text, sizeof(text));
    if (n != (int)strlen(TICKET_HEAD) || memcmp(text, TICKET_HEAD, (size_t)n) != 0) return BO_ERR_TOKEN_FOREIGN;
    if (read_base64url(signature + 1, strlen(signature + 1), signed_by, sizeof(signed_by)) != SIGNATURE) return BO_ERR_TOKEN_FORGED;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, keys->tickets) <= 0) abort();
    bool right = EVP_DigestVerify(ctx, signed_by, SIGNATURE, (const unsigned char *)token, (size_t)(signature - token)) == 1;
    EVP_MD_CTX_free(ctx);
    n = right ? read_base64url(claims + 1, (size_t)(signature - claims - 1), text, sizeof(text) - 1) : -1;
    if (n < 0) return BO_ERR_TOKEN_FORGED;
    text[n] = '\0';
    *ret_claims = bo_strdup((char *)text);
    return 0;
}

static void print_ticket_key(struct bo_keys *keys, struct bo_buffer *out) {
    unsigned char point[32];
    size_t length = sizeof(point);
    char x[64];
    if (EVP_PKEY_get_raw_public_key(keys->tickets, point, &length) <= 0) abort();
    bo_text_base64url(point, length, x);
    bo_buffer_printf(out, ",{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"bo-tickets\",\"x\":\"%s\"}", x);
}

void bo_keys_print(struct bo_keys *keys, bo_ms now, struct bo_buffer *out) {
    int64_t present = now / keys->rotation_ms;
    bo_buffer_add_text(out, "{\"keys\":[");
    for (int64_t period = present - 1; period <= present + 1; period++) {
        struct key *key = key_of(keys, period);
        char x[64], y[64];
        bo_text_base64url(key->point + 1, 32, x);
        bo_text_base64url(key->point + 33, 32, y);
        bo_buffer_printf(out, "%s{\"kty\":\"EC\",\"crv\":\"P-256\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}",
                         period == present - 1 ? "" : ",", key->kid, x, y);
    }
    print_ticket_key(keys, out);
    bo_buffer_add_text(out, "]}");
}
