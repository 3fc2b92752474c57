/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/date.h"
#include "base/memory.h"
#include "boxoffice/types.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bo_text_to_number(const char *text, int64_t min, int64_t max, int64_t *ret) {
    if (*text != '-' && (*text < '0' || *text > '9')) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || end == text || value < min || value > max) return false;
    *ret = value;
    return true;
}

bool bo_text_to_time(const char *text, int64_t *ret) { return bo_date_read(text, ret) == NULL; }

bool bo_text_is_id(const char *text) {
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@-");
    return n >= 1 && n <= BO_ID_MAX && text[n] == '\0';
}

void bo_text_random_id(const char *prefix, char *ret) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static unsigned char pool[4096]; /* asking for every id costs more than all the rest of it */
    static size_t used = sizeof(pool);
    unsigned char random[20];
    if (used + sizeof(random) > sizeof(pool)) {
        if (RAND_bytes(pool, sizeof(pool)) != 1) abort(); /* without randomness ids could be guessed */
        used = 0;
    }
    memcpy(random, pool + used, sizeof(random));
    memset(pool + used, 0, sizeof(random));
    used += sizeof(random);
    size_t n = (size_t)snprintf(ret, BO_ID_MAX + 1 - sizeof(random), "%s", prefix);
    for (size_t i = 0; i < sizeof(random); i++) ret[n++] = alphabet[random[i] & 63];
    ret[n] = '\0';
}

const char *bo_text_next_word(char **words) {
    const char *word = strsep(words, " ");
    return word ? word : "";
}

int64_t bo_text_next_number(char **words) { return strtoll(bo_text_next_word(words), NULL, 10); }

int64_t *bo_text_rest_as_numbers(char *words, size_t *ret_count) {
    size_t count = words ? 1 : 0;
    for (const char *at = words; at && (at = strchr(at, ' ')); at++) count++;
    int64_t *numbers = bo_alloc(count * sizeof(*numbers));
    for (size_t i = 0; i < count; i++) numbers[i] = bo_text_next_number(&words);
    *ret_count = count;
    return numbers;
}

void bo_text_hmac(const char *key, const void *text, size_t length, char ret_hex[65]) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (!HMAC(EVP_sha256(), key, (int)strlen(key), text, length, mac, &n)) abort();
    for (unsigned int i = 0; i < 32; i++) snprintf(ret_hex + i * 2, 3, "%02x", mac[i]);
}

bool bo_text_same_secret(const char *a, const char *b) {
    size_t n = strlen(a);
    return strlen(b) == n && CRYPTO_memcmp(a, b, n) == 0;
}

char *bo_text_put(char *at, const char *text) {
    size_t length = strlen(text);
    memcpy(at, text, length);
    return at + length;
}

char *bo_text_put_number(char *at, int64_t number) {
    char digits[20];
    int n = 0;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;
    if (number < 0) *at++ = '-';
    do digits[n++] = (char)('0' + left % 10);
    while (left /= 10);
    while (n) *at++ = digits[--n];
    return at;
}

size_t bo_text_base64url(const void *data, size_t length, char *ret) {
    size_t n = (size_t)EVP_EncodeBlock((unsigned char *)ret, data, (int)length);
    while (n && ret[n - 1] == '=') n--;
    ret[n] = '\0';
    for (size_t i = 0; i < n; i++) ret[i] = ret[i] == '+' ? '-' : ret[i] == '/' ? '_' : ret[i];
    return n;
}

uint64_t bo_text_hash(const char *text) {
    uint64_t hash = 14695981039346656037ULL;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    return hash;
}

bool bo_text_to_trace(const char *text, uint64_t *ret) {
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return false;
    *ret = strtoull(text, NULL, 16);
    return *ret != 0;
}
