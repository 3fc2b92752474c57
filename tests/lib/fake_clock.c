/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a program, replaces its wall clock. (libfaketime does not get along with Redis' allocator.) Covers gettimeofday, which is what
 * Redis tells the time by. FAKE_CLOCK names a file that says by how many seconds the clock is off, at any moment. FAKE_CLOCK_STOPPED names a file
 * of eight bytes, the time in microseconds since 1970: there the clock stands still until somebody writes another one. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static long offset_s(void) {
    char text[24] = "";
    const char *path = getenv("FAKE_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 ? atol(text) : 0;
}

/* The page is mapped once: a program may ask for the time many times per command. */
static const volatile int64_t *stopped_at(void) {
    static const volatile int64_t *page;
    static int looked;
    if (looked) return page;
    looked = 1;
    const char *path = getenv("FAKE_CLOCK_STOPPED");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return NULL;
    void *mapped = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    page = mapped == MAP_FAILED ? NULL : mapped;
    return page;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
    const volatile int64_t *stopped = stopped_at();
    if (stopped) {
        int64_t us = *stopped;
        tv->tv_sec = us / 1000000;
        tv->tv_usec = us % 1000000;
        return 0;
    }
    int result = (int)syscall(SYS_gettimeofday, tv, zone);
    tv->tv_sec += offset_s();
    return result;
}
