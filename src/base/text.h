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

/* 1 to BO_ID_MAX characters of A-Z a-z 0-9 . _ : @ -, so that an id can stand in a key, a URL and a log line. */
bool bo_text_is_id(const char *text);

/* prefix and 22 random characters of the URL-safe base64 alphabet (128 bits and more); ret has BO_ID_MAX + 1 bytes. */
void bo_text_random_id(const char *prefix, char *ret);

/* HMAC-SHA256 of text as 64 lower-case hex digits and NUL (RFC 2104). */
void bo_text_hmac(const char *key, const void *text, size_t length, char ret_hex[65]);

/* Compares in a time that does not depend on where they differ. */
bool bo_text_same_secret(const char *a, const char *b);

#endif
