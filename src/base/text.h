/* SPDX-License-Identifier: Apache-2.0
 * Small things done with text: parsing numbers, random ids, HMAC signatures. */
#ifndef BO_BASE_TEXT_H
#define BO_BASE_TEXT_H

#include "boxoffice/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole decimal number within [min, max] and nothing else; false leaves *ret alone. */
bool bo_text_to_number(const char *text, int64_t min, int64_t max, int64_t *ret) BO_CHECKED;

/* A time as RFC 3339 has it, as ms since 1970 (base/date.h says why one is wrong). False leaves *ret alone. */
bool bo_text_to_time(const char *text, int64_t *ret) BO_CHECKED;
/* A trace: sixteen digits 0-9 a-f, not all of them 0. */
bool bo_text_to_trace(const char *text, uint64_t *ret) BO_CHECKED;

/* 1 to BO_ID_MAX characters of A-Z a-z 0-9 . _ : @ -, so that an id can stand in a key, a URL and a log line. */
bool bo_text_is_id(const char *text);

/* prefix and 20 random characters of the URL-safe base64 alphabet (120 bits); ret has BO_ID_MAX + 1 bytes. */
void bo_text_random_id(const char *prefix, char *ret);

/* For messages sent a million times, where printf would be a quarter of the cost: writes text, or a number in decimal, and
 * returns where it ended. No NUL is written; the caller has made sure of the room (20 bytes for a number). */
char *bo_text_put(char *at, const char *text);
char *bo_text_put_number(char *at, int64_t number);

/* Cuts the next word off a text of words with one space between them, in place; *words becomes NULL behind the last one. An
 * empty word, and 0, where there is none. */
const char *bo_text_next_word(char **words);
int64_t bo_text_next_number(char **words);

/* All that are left, as numbers; the caller frees them. */
int64_t *bo_text_rest_as_numbers(char *words, size_t *ret_count);

/* HMAC-SHA256 of text as 64 lower-case hex digits and NUL (RFC 2104). */
void bo_text_hmac(const char *key, const void *text, size_t length, char ret_hex[65]);

/* The URL-safe base64 alphabet without padding (RFC 7515), and a NUL; ret has length * 4 / 3 + 5 bytes. Returns its length. */
size_t bo_text_base64url(const void *data, size_t length, char *ret);

/* Not for secrets: FNV-1a, 64 bits. */
uint64_t bo_text_hash(const char *text);

/* Compares in a time that does not depend on where they differ. */
bool bo_text_same_secret(const char *a, const char *b);

#endif
