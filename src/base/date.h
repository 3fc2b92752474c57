/* SPDX-License-Identifier: Apache-2.0
 * Times as people and programs write them: RFC 3339, read strictly. The C library's readers take the 30th of February for a day in
 * March and "27" for a year; here such a text is wrong, and the answer says why. */
#ifndef BO_BASE_DATE_H
#define BO_BASE_DATE_H

#include <stdint.h>

#define BO_DATE_MAX 32 /* bytes of a printed time, with its NUL */

/* "2026-05-01T10:00:00Z", or with an offset, "2026-05-01T12:00:00.5+02:00", as ms since 1970; what is below a ms is cut off. The years
 * 1970 to 9999; a leap second only where there may be one, and then it is the first moment of the next day. NULL when it was read, else
 * what is wrong with it, as part of a sentence; *ret is left alone then. */
const char *bo_date_read(const char *text, int64_t *ret);

/* As RFC 3339 in UTC with three digits behind the second. */
void bo_date_print(int64_t ms, char ret[BO_DATE_MAX]);

#endif
