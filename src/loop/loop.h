/* SPDX-License-Identifier: Apache-2.0
 * Small helpers over libuv: clocks, and timers that the owner can forget. */
#ifndef BO_LOOP_LOOP_H
#define BO_LOOP_LOOP_H

#include "boxoffice/ports.h"

#include <uv.h>

/* Wall-clock milliseconds since 1970; milli- and microseconds of the steady clock, which does not jump. */
bo_ms bo_loop_wall_ms(void);
bo_ms bo_loop_steady_ms(void);
int64_t bo_loop_steady_us(void);
void bo_loop_rest_us(int64_t us); /* the whole process does nothing for so long, or until a signal; 0: returns at once */
struct bo_clock bo_loop_clock(void); /* the wall clock as the port */

/* A timer on the heap. Aborts only without memory. Closed with bo_loop_timer_free (NULL is fine), which may be called
 * from its own callback; the memory goes when the loop has run once more. */
uv_timer_t *bo_loop_timer(uv_loop_t *loop, uint64_t first_ms, uint64_t repeat_ms, uv_timer_cb cb, void *arg);
void bo_loop_timer_free(uv_timer_t *timer);

/* Runs the loop until every handle is closed, then closes it. Returns 0, or UV_EBUSY when a handle was left open. */
int bo_loop_drain(uv_loop_t *loop);

#endif
