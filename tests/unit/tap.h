/* SPDX-License-Identifier: Apache-2.0
 * cmocka wants these in this order, before its own header. */
#ifndef BO_TESTS_TAP_H
#define BO_TESTS_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
