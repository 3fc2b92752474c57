/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/loop.h"

#include "base/memory.h"

#include <stdlib.h>
#include <time.h>

bo_ms bo_loop_wall_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (bo_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t bo_loop_steady_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

bo_ms bo_loop_steady_ms(void) { return bo_loop_steady_us() / 1000; }

void bo_loop_rest_us(int64_t us) {
    const struct timespec rest = {us / 1000000, us % 1000000 * 1000};
    if (us > 0) nanosleep(&rest, NULL);
}

static bo_ms now_of(void *self) {
    (void)self;
    return bo_loop_wall_ms();
}

struct bo_clock bo_loop_clock(void) { return (struct bo_clock){now_of, NULL}; }

uv_timer_t *bo_loop_timer(uv_loop_t *loop, uint64_t first_ms, uint64_t repeat_ms, uv_timer_cb cb, void *arg) {
    uv_timer_t *timer = bo_alloc(sizeof(*timer));
    if (uv_timer_init(loop, timer) != 0 || uv_timer_start(timer, cb, first_ms, repeat_ms) != 0) abort(); /* only on misuse */
    timer->data = arg;
    return timer;
}

static void free_handle(uv_handle_t *handle) { free(handle); }

void bo_loop_timer_free(uv_timer_t *timer) {
    if (timer && !uv_is_closing((uv_handle_t *)timer)) uv_close((uv_handle_t *)timer, free_handle);
}

int bo_loop_drain(uv_loop_t *loop) {
    uv_run(loop, UV_RUN_DEFAULT);
    return uv_loop_close(loop);
}
