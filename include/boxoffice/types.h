/* SPDX-License-Identifier: Apache-2.0
 * Limits and types that cross folders. */
#ifndef BOXOFFICE_TYPES_H
#define BOXOFFICE_TYPES_H

#include <stdint.h>

/* Milliseconds since 1970 UTC, by Redis' clock where it decides, by the server's where it only shows. */
typedef int64_t bo_ms;

/* Money in the currency's smallest unit. */
typedef int64_t bo_money;
#define BO_MONEY_MAX INT64_C(100000000000) /* per price; a whole order stays far below 2^53, which Lua counts in */

#define BO_ID_MAX 64       /* longest sale, person, order or payment id in bytes, without the final NUL */
#define BO_REFUND_KEY_MAX (3 * BO_ID_MAX + 32) /* longest name of a refund towards the payment service: sale, order and id, and how often it was asked for */
#define BO_SEATS_MAX 100000 /* per plan */
#define BO_TAKE_MAX 1000    /* of one item in one command */
#define BO_HOLD_MAX 20      /* seats in one command */

#endif
