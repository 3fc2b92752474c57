/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buffer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    char process[32];
    enum bo_log_level level;
} setup = {"boxoffice", BO_LOG_INFO};

static const char *const names[] = {"debug", "info", "warn", "error"};

void bo_log_setup(const char *process, enum bo_log_level level) {
    snprintf(setup.process, sizeof(setup.process), "%s", process);
    setup.level = level;
}

bool bo_log_is_on(enum bo_log_level level) { return level >= setup.level; }

void bo_log_set_level(enum bo_log_level level) { setup.level = level; }

int bo_log_level_from_name(const char *name) {
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

static void write_line(enum bo_log_level level, uint64_t trace, const char *format, va_list ap) {
    char message[2048];
    vsnprintf(message, sizeof(message), format, ap);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);

    struct bo_buffer line = {0};
    bo_buffer_printf(&line, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"process\":\"%s\",\"pid\":%d,", stamp, now.tv_nsec / 1000000, names[level], setup.process, (int)getpid());
    if (trace) bo_buffer_printf(&line, "\"trace\":\"%016" PRIx64 "\",", trace);
    bo_buffer_add_text(&line, "\"message\":\"");
    bo_buffer_add_json(&line, message);
    bo_buffer_add_text(&line, "\"}\n");
    if (write(STDERR_FILENO, line.data, line.length) < 0) { /* nowhere left to say so */
    }
    bo_buffer_free(&line);
}

void bo_log(enum bo_log_level level, const char *format, ...) {
    va_list ap;
    if (level < setup.level) return;
    va_start(ap, format);
    write_line(level, 0, format, ap);
    va_end(ap);
}

void bo_log_traced(enum bo_log_level level, uint64_t trace, const char *format, ...) {
    va_list ap;
    if (level < setup.level) return;
    va_start(ap, format);
    write_line(level, trace, format, ap);
    va_end(ap);
}
