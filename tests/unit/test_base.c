/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "base/buffer.h"
#include "base/currency.h"
#include "base/date.h"
#include "base/heap.h"
#include "base/table.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/wheel.h"
#include "boxoffice/error.h"
#include "boxoffice/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void heap_gives_the_smallest_first_and_forgets_what_is_removed(void **state) {
    (void)state;
    struct bo_heap heap = {0};
    struct bo_heap_node nodes[500] = {0};
    for (int i = 0; i < 500; i++) {
        nodes[i].key = (i * 7919) % 1000;
        bo_heap_add(&heap, &nodes[i]);
    }
    for (int i = 0; i < 500; i += 3) bo_heap_remove(&heap, &nodes[i]);
    bo_heap_remove(&heap, &nodes[0]); /* twice is harmless */
    int64_t last = -1;
    size_t count = 0;
    for (struct bo_heap_node *node; (node = bo_heap_first(&heap)); count++) {
        assert_true(node->key >= last);
        assert_true((node - nodes) % 3 != 0);
        last = node->key;
        bo_heap_remove(&heap, node);
    }
    assert_int_equal(count, 333);
    bo_heap_free(&heap);
}

struct timer {
    struct bo_wheel_node node;
    bo_ms fired_at;
    struct bo_wheel *again;
};

static bo_ms test_now;

static void fire(void *arg, struct bo_wheel_node *node) {
    (void)arg;
    struct timer *timer = (struct timer *)node;
    timer->fired_at = test_now;
    if (timer->again) bo_wheel_set(timer->again, node, test_now + 10);
}

static void wheel_never_fires_early_and_at_most_one_slot_late(void **state) {
    (void)state;
    struct bo_wheel wheel;
    struct timer timers[200] = {0};
    const bo_ms slot = 50, start = 1000000;
    bo_wheel_init(&wheel, slot, start);
    for (int i = 0; i < 200; i++) bo_wheel_set(&wheel, &timers[i].node, start + (bo_ms)i * 397); /* up to three turns away */
    bo_wheel_remove(&timers[7].node);
    for (test_now = start; test_now < start + 200 * 397 + 1000; test_now += 20) bo_wheel_run(&wheel, test_now, SIZE_MAX, fire, NULL);
    for (int i = 0; i < 200; i++) {
        bo_ms due = start + (bo_ms)i * 397;
        if (i == 7) {
            assert_int_equal(timers[i].fired_at, 0);
            continue;
        }
        assert_true(timers[i].fired_at >= due);
        assert_true(timers[i].fired_at <= due + 2 * slot + 20);
    }
}

static void wheel_callback_may_set_its_timer_again(void **state) {
    (void)state;
    struct bo_wheel wheel;
    struct timer timer = {.again = &wheel};
    bo_wheel_init(&wheel, 50, 0);
    bo_wheel_set(&wheel, &timer.node, 10);
    test_now = 30000; /* the clock jumps over a whole turn */
    bo_wheel_run(&wheel, test_now, SIZE_MAX, fire, NULL);
    assert_int_equal(timer.fired_at, 30000);
    test_now = 30200;
    bo_wheel_run(&wheel, test_now, SIZE_MAX, fire, NULL);
    assert_int_equal(timer.fired_at, 30200);
}

/* However much is due, a turn has an end; what was due first comes first, and nothing is lost. */
static void wheel_runs_at_most_so_many_at_a_time(void **state) {
    (void)state;
    struct bo_wheel wheel;
    struct timer timers[100] = {0};
    bo_wheel_init(&wheel, 50, 0);
    for (int i = 0; i < 100; i++) bo_wheel_set(&wheel, &timers[i].node, 10 + i);
    for (int turn = 0; turn < 10; turn++) {
        test_now = 1000 + turn;
        bool more = bo_wheel_run(&wheel, test_now, 10, fire, NULL);
        assert_int_equal(more, turn < 9);
        for (int i = 0; i < 100; i++) assert_int_equal(timers[i].fired_at, i < turn * 10 + 10 ? 1000 + i / 10 : 0);
    }
}

struct named {
    struct bo_table_link link;
    char name[16];
};

static const char *name_of(const struct bo_table_link *link) { return ((const struct named *)link)->name; }

static void table_finds_all_of_one_key_and_only_them(void **state) {
    (void)state;
    struct bo_table table;
    struct named *items = calloc(1000, sizeof(*items));
    bo_table_init(&table, name_of);
    assert_null(bo_table_find(&table, "1"));
    for (int i = 0; i < 1000; i++) {
        snprintf(items[i].name, sizeof(items[i].name), "%d", i % 500);
        bo_table_add(&table, &items[i].link);
    }
    bo_table_remove(&table, &items[42].link);
    bo_table_remove(&table, &items[42].link); /* twice is harmless */
    for (int i = 0; i < 500; i++) {
        char key[16];
        int found = 0;
        snprintf(key, sizeof(key), "%d", i);
        for (struct bo_table_link *l = bo_table_find(&table, key); l; l = bo_table_find_next(&table, l)) found++;
        assert_int_equal(found, i == 42 ? 1 : 2);
    }
    assert_int_equal(table.count, 999);
    bo_table_free(&table);
    free(items);
}

static void numbers_are_read_whole_and_in_range_or_not_at_all(void **state) {
    (void)state;
    int64_t n = 77;
    static const char *const wrong[] = {"", " 1", "1 ", "+1", "0x1", "1.5", "eleven", "9223372036854775808", "-", "101", "-2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) assert_false(bo_text_to_number(wrong[i], -1, 100, &n));
    assert_int_equal(n, 77);
    assert_true(bo_text_to_number("100", -1, 100, &n));
    assert_int_equal(n, 100);
    assert_true(bo_text_to_number("-1", -1, 100, &n));
}

static void ids_fit_into_keys_urls_and_logs(void **state) {
    (void)state;
    char id[BO_ID_MAX + 1], other[BO_ID_MAX + 1], longest[BO_ID_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[BO_ID_MAX + 1] = '\0';
    assert_false(bo_text_is_id(longest));
    longest[BO_ID_MAX] = '\0';
    assert_true(bo_text_is_id(longest));
    assert_false(bo_text_is_id(""));
    assert_false(bo_text_is_id("a b"));
    assert_false(bo_text_is_id("a{b}"));
    assert_false(bo_text_is_id("a\"b"));
    bo_text_random_id("g:", id);
    bo_text_random_id("g:", other);
    assert_true(bo_text_is_id(id));
    assert_int_equal(strlen(id), 22);
    assert_string_not_equal(id, other);
}

/* RFC 4231, test case 2 */
static void hmac_matches_the_published_vector(void **state) {
    (void)state;
    char hex[65];
    bo_text_hmac("Jefe", "what do ya want for nothing?", 28, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_true(bo_text_same_secret("abc", "abc"));
    assert_false(bo_text_same_secret("abc", "abd"));
    assert_false(bo_text_same_secret("abc", "abcd"));
}

static void words_are_cut_one_by_one(void **state) {
    (void)state;
    char text[] = "end g:1  7 -13 99999999999999", *words = text;
    size_t count;
    assert_string_equal(bo_text_next_word(&words), "end");
    assert_string_equal(bo_text_next_word(&words), "g:1");
    assert_string_equal(bo_text_next_word(&words), "");
    assert_int_equal(bo_text_next_number(&words), 7);
    int64_t *rest = bo_text_rest_as_numbers(words, &count);
    assert_int_equal(count, 2);
    assert_int_equal(rest[0], -13);
    assert_int_equal(rest[1], 99999999999999);
    free(rest);
    words = NULL;
    free(bo_text_rest_as_numbers(words, &count));
    assert_int_equal(count, 0);
    assert_string_equal(bo_text_next_word(&words), "");
}

static void json_text_is_escaped(void **state) {
    (void)state;
    struct bo_buffer b = {0};
    bo_buffer_add_json(&b, "a\"b\\c\n\x01é");
    assert_string_equal(b.data, "a\\\"b\\\\c\\u000a\\u0001é");
    bo_buffer_free(&b);
}

static void every_error_has_a_name_a_sentence_and_a_status(void **state) {
    (void)state;
    for (int i = 1; i < BO_INDEX_COUNT; i++) {
        const char *name = bo_error_name(-i), *text = bo_error_text(-i);
        assert_int_equal(bo_error_from_name(name), -i);
        assert_true(strlen(text) > 20 && text[strlen(text) - 1] == '.');
        assert_in_range(bo_error_http_status(-i), 400, 599);
    }
    assert_int_equal(bo_error_from_name("ok"), 0);
    assert_int_equal(bo_error_from_name("no such name"), BO_ERR_INTERNAL);
    assert_string_equal(bo_error_name(5), "internal");
}

static void a_right_time_is_read_to_the_ms(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {{"2026-05-01T10:00:00Z", 1777629600000},       {"2026-05-01T10:00:00.5Z", 1777629600500},
                 {"2026-05-01T10:00:00.123999Z", 1777629600123}, {"2026-05-01t10:00:00z", 1777629600000},
                 {"2026-05-01T12:00:00+02:00", 1777629600000},   {"2026-05-01T06:30:00-03:30", 1777629600000},
                 {"2026-05-01T10:00:00-00:00", 1777629600000},   {"2026-05-02T09:59:00+23:59", 1777629600000},
                 {"1970-01-01T00:00:00Z", 0},                    {"2024-02-29T00:00:00Z", 1709164800000},
                 {"2000-02-29T23:59:59Z", 951868799000},         {"2016-12-31T23:59:60Z", 1483228800000},
                 {"2017-01-01T08:59:60.25+09:00", 1483228800250}, {"9999-12-31T23:59:59.999Z", 253402300799999}};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        int64_t ms = 7, again = 7;
        char printed[BO_DATE_MAX];
        assert_null(bo_date_read(right[i].text, &ms));
        assert_int_equal(ms, right[i].ms);
        bo_date_print(ms, printed);
        assert_true(bo_text_to_time(printed, &again));
        assert_int_equal(again, ms);
    }
}

static void a_wrong_time_says_why_and_is_never_repaired(void **state) {
    (void)state;
    static const struct {
        const char *text, *why;
    } wrong[] = {{"", "look like"}, {"now", "look like"}, {"2026-05-01", "look like"}, {"2026-05-01T10:00:00", "look like"},
                 {"2026-05-01T10:00:00.Z", "look like"}, {"2026-05-01 10:00:00Z", "look like"}, {" 2026-05-01T10:00:00Z", "look like"},
                 {"2026-05-01T10:00:00Z ", "look like"}, {"2026-05-01T10:00Z", "look like"}, {"2026-5-1T10:00:00Z", "look like"},
                 {"27-03-28T10:00:00Z", "look like"}, {"+2026-05-01T10:00:00Z", "look like"}, {"12026-05-01T10:00:00Z", "look like"},
                 {"2026-05-01T10:00:00+0200", "look like"}, {"2026-05-01T10:00:00+2:00", "look like"}, {"2026-05-01T10:00:00,5Z", "look like"},
                 {"0027-03-28T10:00:00Z", "year"}, {"1969-12-31T23:59:59Z", "year"}, {"2026-13-01T10:00:00Z", "month"},
                 {"2026-00-01T10:00:00Z", "month"}, {"2027-02-29T10:00:00Z", "no such day"}, {"2100-02-29T10:00:00Z", "no such day"},
                 {"2026-04-31T10:00:00Z", "no such day"}, {"2026-05-00T10:00:00Z", "no such day"}, {"2026-05-01T24:00:00Z", "hour"},
                 {"2026-05-01T24:00:01Z", "hour"}, {"2026-05-01T10:60:00Z", "minute"}, {"2026-05-01T10:00:60Z", "second"},
                 {"2026-12-31T22:59:60Z", "second"}, {"2026-05-31T23:59:60Z", "second"}, {"2026-05-01T10:00:61Z", "second"},
                 {"2026-05-01T10:00:00+24:00", "offset"}, {"2026-05-01T10:00:00+01:60", "offset"}, {"1970-01-01T00:00:00+01:00", "before 1970"}};
    int64_t ms = 7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *why = bo_date_read(wrong[i].text, &ms);
        if (!why || !strstr(why, wrong[i].why)) fail_msg("%s: %s", wrong[i].text, why ? why : "was read");
    }
    assert_int_equal(ms, 7);
}

static void every_day_is_printed_as_it_is_read(void **state) {
    (void)state;
    for (int64_t ms = 0; ms < INT64_C(253402300800000); ms += INT64_C(86400000) * 13) {
        char text[BO_DATE_MAX];
        int64_t again = -1;
        bo_date_print(ms, text);
        assert_null(bo_date_read(text, &again));
        assert_int_equal(again, ms);
    }
}

static void currencies_have_the_digits_of_iso_4217_and_stripe_s_where_they_differ(void **state) {
    (void)state;
    static const struct {
        const char *code;
        int digits;
        int64_t minimum, amount, stripe; /* stripe: the amount as Stripe counts it, -1: it cannot be said there */
    } right[] = {{"EUR", 2, 50, 1234, 1234},  {"JPY", 0, 50, 1234, 1234}, {"HUF", 2, 17500, 500000, 500000}, {"ISK", 0, 0, 40, 4000},
                 {"UGX", 0, 0, 500, 50000},   {"COP", 2, 0, 100, 100},    {"IDR", 2, 0, 100, 100},           {"RSD", 2, 0, 100, 100},
                 {"KWD", 3, 0, 5120, 5120},   {"KWD", 3, 0, 5124, -1},    {"MGA", 2, 0, 500, 5},             {"MGA", 2, 0, 550, -1},
                 {"CLF", 4, 0, 10000, 10000}, {"XCG", 2, 0, 100, 100},    {"?", 2, 0, 100, 100}};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        int64_t stripe = -1, back = -1;
        assert_int_equal(bo_currency_digits(right[i].code), right[i].digits);
        assert_int_equal(bo_currency_minimum(right[i].code), right[i].minimum);
        assert_int_equal(bo_currency_to_stripe(right[i].code, right[i].amount, &stripe), right[i].stripe >= 0);
        assert_int_equal(stripe, right[i].stripe);
        if (stripe < 0) continue;
        assert_true(bo_currency_from_stripe(right[i].code, stripe, &back));
        assert_int_equal(back, right[i].amount);
    }
    for (const char *const *no = (const char *const[]){"", "eur", "ABC", "XTS", "XAU", "DEM", "EURO", NULL}; *no; no++)
        assert_false(bo_currency_is_known(*no));
    int64_t same = 7;
    assert_false(bo_currency_to_stripe("ISK", INT64_MAX / 10, &same));
    assert_int_equal(same, 7);
    assert_false(bo_currency_from_stripe("ISK", 499901, &same));
    assert_int_equal(same, 5000);
    assert_false(bo_currency_from_stripe("MGA", INT64_MAX / 10, &same));
    assert_int_equal(same, INT64_MAX);
    static const char *const codes[] = {"EUR", "JPY", "ISK", "KWD", "MGA", "?"};
    static const int64_t steps[] = {1, 1, 1, 10, 100, 1};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) assert_int_equal(bo_currency_stripe_step(codes[i]), steps[i]);
}

static void U4_lengths_count_characters_and_only_right_utf8_is_text(void **state) {
    (void)state;
    assert_int_equal(bo_utf8_length(""), 0);
    assert_int_equal(bo_utf8_length("Stehplätze"), 10);
    assert_int_equal(bo_utf8_length("스탠딩 구역"), 6);
    assert_int_equal(bo_utf8_length("\xF0\x9F\x8E\xB8"), 1);
    for (const char *const *bad = (const char *const[]){"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "a\x80", NULL}; *bad; bad++)
        assert_int_equal(bo_utf8_length(*bad), -1);
    assert_true(bo_utf8_is_text("스탠딩 구역", 1, 6, false));
    assert_false(bo_utf8_is_text("스탠딩 구역", 1, 5, false));
    assert_false(bo_utf8_is_text("", 1, 5, false));
    for (const char *const *bad = (const char *const[]){"a\nb", "a\tb", "a\x7F", "\xC2\x85", "\xE2\x80\xA8", "\x1B[1m", NULL}; *bad; bad++)
        assert_false(bo_utf8_is_text(*bad, 1, 5, false));
    assert_true(bo_utf8_is_text("a\nb", 1, 5, true));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_right_time_is_read_to_the_ms),
        cmocka_unit_test(a_wrong_time_says_why_and_is_never_repaired),
        cmocka_unit_test(every_day_is_printed_as_it_is_read),
        cmocka_unit_test(U4_lengths_count_characters_and_only_right_utf8_is_text),
        cmocka_unit_test(currencies_have_the_digits_of_iso_4217_and_stripe_s_where_they_differ),
        cmocka_unit_test(heap_gives_the_smallest_first_and_forgets_what_is_removed),
        cmocka_unit_test(wheel_never_fires_early_and_at_most_one_slot_late),
        cmocka_unit_test(wheel_callback_may_set_its_timer_again),
        cmocka_unit_test(wheel_runs_at_most_so_many_at_a_time),
        cmocka_unit_test(table_finds_all_of_one_key_and_only_them),
        cmocka_unit_test(numbers_are_read_whole_and_in_range_or_not_at_all),
        cmocka_unit_test(ids_fit_into_keys_urls_and_logs),
        cmocka_unit_test(hmac_matches_the_published_vector),
        cmocka_unit_test(words_are_cut_one_by_one),
        cmocka_unit_test(json_text_is_escaped),
        cmocka_unit_test(every_error_has_a_name_a_sentence_and_a_status),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
