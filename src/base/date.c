/* SPDX-License-Identifier: Apache-2.0 */
#include "base/date.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define YEAR_MIN 1970
#define YEAR_MAX 9999
#define MS_PER_DAY INT64_C(86400000)

static const char form[] = "it has to look like 2026-05-01T10:00:00Z or 2026-05-01T12:00:00+02:00";

struct date {
    int year, month, day, hour, minute, second, ms;
    int offset; /* minutes east of UTC */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Exactly so many digits. */
static bool read_digits(const char **text, int count, int *ret) {
    int number = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!is_digit(**text)) return false;
        number = number * 10 + **text - '0';
    }
    *ret = number;
    return true;
}

static bool read_sign(const char **text, char sign) {
    if (**text != sign) return false;
    (*text)++;
    return true;
}

static bool read_day(const char **at, struct date *d) {
    return read_digits(at, 4, &d->year) && read_sign(at, '-') && read_digits(at, 2, &d->month) && read_sign(at, '-') && read_digits(at, 2, &d->day);
}

static bool read_clock(const char **at, struct date *d) {
    if (!read_digits(at, 2, &d->hour) || !read_sign(at, ':') || !read_digits(at, 2, &d->minute) || !read_sign(at, ':') ||
        !read_digits(at, 2, &d->second))
        return false;
    if (!read_sign(at, '.')) return true;
    if (!is_digit(**at)) return false;
    for (int unit = 100; is_digit(**at); (*at)++, unit /= 10) d->ms += (**at - '0') * unit;
    return true;
}

static bool read_offset(const char **at, struct date *d, bool *ret_in_range) {
    int hours = 0, minutes = 0, sign = **at == '-' ? -1 : 1;
    *ret_in_range = true;
    if (read_sign(at, 'Z') || read_sign(at, 'z')) return true;
    if ((!read_sign(at, '+') && !read_sign(at, '-')) || !read_digits(at, 2, &hours) || !read_sign(at, ':') || !read_digits(at, 2, &minutes)) return false;
    *ret_in_range = hours <= 23 && minutes <= 59;
    d->offset = sign * (hours * 60 + minutes);
    return true;
}

static int days_of_month(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970 by the Gregorian calendar: years begin in March, so that the leap day is the last of its year. */
static int64_t days_since_1970(int year, int month, int day) {
    int64_t y = year - (month <= 2 ? 1 : 0), m = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

/* The same backwards, by its 400-year periods. */
static void civil_of(int64_t days, struct date *ret) {
    int64_t z = days + 719468, period = z / 146097, day = z - period * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    ret->day = (int)(of_year - (153 * m + 2) / 5) + 1;
    ret->month = (int)((m + 2) % 12) + 1;
    ret->year = (int)(period * 400 + year + (m >= 10 ? 1 : 0));
}

static int64_t to_ms(const struct date *d) {
    int64_t minutes = days_since_1970(d->year, d->month, d->day) * 1440 + d->hour * 60 + d->minute - d->offset;
    return (minutes * 60 + d->second) * 1000 + d->ms;
}

/* Leap seconds are the last of a June or December in UTC. */
static bool may_leap(const struct date *d) {
    struct date next = {0};
    int64_t ms = to_ms(d) - d->ms; /* of second 60: the next midnight */
    civil_of(ms / MS_PER_DAY, &next);
    return ms % MS_PER_DAY == 0 && next.day == 1 && (next.month == 1 || next.month == 7);
}

static const char *wrong_range(const struct date *d, bool offset_in_range) {
    if (d->year < YEAR_MIN) return "the year has to be 1970 or later, with four digits";
    if (d->month < 1 || d->month > 12) return "there is no such month";
    if (d->day < 1 || d->day > days_of_month(d->year, d->month)) return "that month has no such day";
    if (d->hour > 23) return "there is no such hour; midnight is 00:00:00 of the next day";
    if (d->minute > 59) return "there is no such minute";
    if (!offset_in_range) return "there is no such offset from UTC";
    if (d->second > 60 || (d->second == 60 && !may_leap(d))) return "there is no such second";
    return to_ms(d) < 0 ? "it is before 1970" : NULL;
}

const char *bo_date_read(const char *text, int64_t *ret) {
    struct date d = {0};
    bool offset_in_range;
    if (!read_day(&text, &d) || (!read_sign(&text, 'T') && !read_sign(&text, 't')) || !read_clock(&text, &d) || !read_offset(&text, &d, &offset_in_range) || *text)
        return form;
    const char *wrong = wrong_range(&d, offset_in_range);
    if (!wrong) *ret = to_ms(&d);
    return wrong;
}

void bo_date_print(int64_t ms, char ret[BO_DATE_MAX]) {
    struct date d = {0};
    int64_t last = days_since_1970(YEAR_MAX, 12, 31) * MS_PER_DAY + MS_PER_DAY - 1;
    if (ms < 0) ms = 0;
    if (ms > last) ms = last;
    civil_of(ms / MS_PER_DAY, &d);
    int rest = (int)(ms % MS_PER_DAY);
    snprintf(ret, BO_DATE_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)d.year % 10000, (unsigned)d.month % 100, (unsigned)d.day % 100,
             (unsigned)rest / 3600000, (unsigned)rest / 60000 % 60, (unsigned)rest / 1000 % 60, (unsigned)rest % 1000);
}
