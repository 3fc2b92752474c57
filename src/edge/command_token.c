/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/command_token.h"

#include "base/text.h"

#include <stdint.h>

#define KEY_CHARACTERS 6
#define REQUEST_CHARACTERS 3

static char *put_digest(char *to, uint64_t hash, int characters) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL; /* the low bits of FNV alone are weak */
    for (int i = 0; i < characters; i++, hash <<= 6) *to++ = alphabet[hash >> 58];
    return to;
}

void bo_digest_command(const char *key, const char *request, char ret[BO_COMMAND_TOKEN_BYTES]) {
    char *at = put_digest(ret, bo_text_hash(key), KEY_CHARACTERS);
    *at++ = '.';
    *put_digest(at, bo_text_hash(request), REQUEST_CHARACTERS) = '\0';
}
