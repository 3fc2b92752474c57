/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "sale/best.h"
#include "sale/map.h"
#include "sale/plan.h"
#include "sale/check.h"
#include "sale/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char plan_text[] =
    "{\"name\":\"Hall\",\"size\":{\"width\":10,\"height\":10},\"categories\":[{\"name\":\"A\",\"color\":\"#f00\"},{\"name\":\"B\"}],"
    "\"zones\":[{\"name\":\"Z\",\"position\":{\"x\":1,\"y\":2},\"rows\":[{\"row_number\":\"1\",\"position\":{\"x\":10,\"y\":20},"
    "\"seats\":[{\"seat_guid\":\"a\",\"seat_number\":\"1\",\"position\":{\"x\":100,\"y\":200},\"category\":\"A\"},"
    "{\"seat_guid\":\"b\",\"seat_number\":\"2\",\"position\":{\"x\":101,\"y\":200},\"category\":\"B\"}]}]}]}";

/* Reads the plan with one piece of its text replaced; returns the error and hands out the complaint. */
static int read_changed(const char *from, const char *to, const char *prices_text, char ret_problem[512]) {
    struct bo_buffer text = {0}, problem = {0};
    const char *at = from ? strstr(plan_text, from) : NULL;
    assert_true(!from || at);
    bo_buffer_add(&text, plan_text, at ? (size_t)(at - plan_text) : strlen(plan_text));
    if (at) bo_buffer_printf(&text, "%s%s", to, at + strlen(from));
    json_t *json = json_loads(text.data, 0, NULL), *prices = json_loads(prices_text, 0, NULL);
    assert_non_null(json);
    struct bo_plan *plan = NULL;
    int err = bo_plan_read(json, prices, &plan, &problem);
    snprintf(ret_problem, 512, "%s", problem.data ? problem.data : "");
    bo_plan_free(plan);
    json_decref(json);
    json_decref(prices);
    bo_buffer_free(&text);
    bo_buffer_free(&problem);
    return err;
}

static void S4_a_plan_gives_every_seat_its_row_grade_and_price(void **state) {
    (void)state;
    json_t *json = json_loads(plan_text, 0, NULL), *prices = json_loads("{\"A\":500,\"B\":300}", 0, NULL);
    struct bo_buffer problem = {0}, out = {0};
    struct bo_plan *plan;
    assert_int_equal(bo_plan_read(json, prices, &plan, &problem), 0);
    const struct bo_seat *b = bo_plan_find(plan, "b");
    assert_int_equal(bo_plan_index(plan, b), 1);
    assert_string_equal(bo_plan_text(plan, plan->rows[b->row].name), "1");
    assert_int_equal(plan->categories[b->category].price, 300);
    assert_null(bo_plan_find(plan, "c"));
    bo_plan_print(plan, "EUR", &out);
    json_t *printed = json_loads(out.data, 0, NULL);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(json_object_get(printed, "seats"), 1), 5)), 112);
    json_decref(printed);
    bo_buffer_free(&out);
    bo_plan_free(plan);
    json_decref(json);
    json_decref(prices);
}

/* A hall of rows of ten in two zones; category A in front, B behind; seats 1 and 2 of the last row for wheelchairs and companions. */
static struct bo_plan *read_hall(int rows) {
    struct bo_buffer text = {0}, problem = {0};
    bo_buffer_add_text(&text, "{\"name\":\"Hall\",\"size\":{\"width\":100,\"height\":100},\"categories\":[{\"name\":\"A\"},{\"name\":\"B\"}],\"zones\":[");
    for (int r = 0; r < rows; r++) {
        bo_buffer_printf(&text, "%s{\"name\":\"%s\",\"position\":{\"x\":0,\"y\":0},\"rows\":[{\"row_number\":\"%d\",\"position\":{\"x\":0,\"y\":%d},\"seats\":[",
                         r ? "," : "", r < rows / 2 ? "Floor" : "Balcony", r + 1, 10 + r * 10);
        for (int i = 0; i < 10; i++)
            bo_buffer_printf(&text, "%s{\"seat_guid\":\"%d-%d\",\"seat_number\":\"%d\",\"position\":{\"x\":%d,\"y\":0},\"category\":\"%s\"%s}", i ? "," : "", r + 1,
                             i + 1, i + 1, 5 + i * 10, r < 2 ? "A" : "B",
                             r == rows - 1 && i < 2 ? i ? ",\"kind\":\"companion\"" : ",\"kind\":\"accessible\"" : "");
        bo_buffer_add_text(&text, "]}]}");
    }
    bo_buffer_add_text(&text, "]}");
    json_t *json = json_loads(text.data, 0, NULL), *prices = json_loads("{\"A\":900,\"B\":500}", 0, NULL);
    struct bo_plan *plan = NULL;
    assert_int_equal(bo_plan_read(json, prices, &plan, &problem), 0);
    json_decref(json);
    json_decref(prices);
    bo_buffer_free(&text);
    return plan;
}

static void best_seats_lie_together_near_the_stage_and_fit_the_wish(void **state) {
    (void)state;
    struct bo_plan *plan = read_hall(4);
    char states[41] = "0000000000" "0000000000" "0000000000" "0000000000";
    struct bo_best_wish wish = {.count = 2, .price_max = BO_MONEY_MAX, .stage_x = 50};
    uint32_t first[BO_BEST_MAX];
    size_t found = bo_best_find(plan, states, &wish, first);
    assert_int_equal(found, BO_BEST_MAX);
    assert_int_equal(first[0], 4); /* the middle of the first row */
    for (size_t i = 0; i < found; i++)
        for (size_t k = 0; k < i; k++) assert_true(first[i] + 1 < first[k] || first[k] + 1 < first[i]);
    memcpy(states, "0110110110" "0000000000", 20); /* nowhere two in the first row */
    assert_true(bo_best_find(plan, states, &wish, first) > 0);
    assert_int_equal(first[0], 14);
    wish.category = "B";
    bo_best_find(plan, states, &wish, first);
    assert_int_equal(first[0], 24);
    wish = (struct bo_best_wish){.count = 2, .price_max = 500, .zone = "Balcony", .stage_x = 0, .stage_y = 100};
    bo_best_find(plan, states, &wish, first);
    assert_int_equal(first[0], 32); /* behind what is kept for wheelchairs */
    wish.accessible = true;
    assert_int_equal(bo_best_find(plan, states, &wish, first), 0);
    wish.count = 1;
    assert_int_equal(bo_best_find(plan, states, &wish, first), 1);
    assert_int_equal(first[0], 30);
    wish = (struct bo_best_wish){.count = 11, .price_max = BO_MONEY_MAX};
    assert_int_equal(bo_best_find(plan, states, &wish, first), 0);
    wish.category = "C";
    assert_false(bo_best_makes_sense(plan, &wish));
    bo_plan_free(plan);
}

static void best_seats_leave_no_single_one_where_it_can_be_helped(void **state) {
    (void)state;
    struct bo_plan *plan = read_hall(4);
    char states[41] = "1111000011" "1111111111" "1111111111" "1111111111";
    struct bo_best_wish wish = {.count = 2, .price_max = BO_MONEY_MAX, .stage_x = 60, .no_single = true};
    uint32_t first[BO_BEST_MAX];
    bo_best_find(plan, states, &wish, first);
    assert_true(first[0] == 4 || first[0] == 6); /* not the two in the middle, which are nearest */
    memcpy(states, "1111000111", 10);
    assert_int_equal(bo_best_find(plan, states, &wish, first), 1); /* three: one is left whatever one does */
    bo_plan_free(plan);
}

static void a_wrong_plan_says_where_it_is_wrong(void **state) {
    (void)state;
    static const char prices[] = "{\"A\":500,\"B\":300}";
    static const struct {
        const char *from, *to, *says;
    } wrong[] = {{"\"seat_guid\":\"b\"", "\"seat_guid\":\"a\"", "zones[0].rows[0].seats[1].seat_guid"},
                 {"\"seat_guid\":\"b\",", "", "seats[1].seat_guid"},
                 {"\"category\":\"B\"", "\"category\":\"C\"", "seats[1].category"},
                 {"{\"x\":101,\"y\":200}", "{\"x\":\"left\"}", "seats[1].position"},
                 {"\"category\":\"B\"", "\"category\":\"B\",\"kind\":\"comfy\"", "seats[1].kind"},
                 {"\"zones\"", "\"zonen\"", "zones"},
                 {"\"categories\"", "\"kategorien\"", "categories"},
                 {"{\"name\":\"B\"}", "{}", "categories[1].name"}};
    char problem[512];
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read_changed(wrong[i].from, wrong[i].to, prices, problem), BO_ERR_BAD_PLAN);
        assert_non_null(strstr(problem, wrong[i].says));
    }
    static const char *const wrong_prices[] = {"{\"A\":500}", "{\"A\":500,\"B\":-1}", "{\"A\":500,\"B\":1.5}", "{\"A\":500,\"B\":100000000001}", "[]"};
    for (size_t i = 0; i < sizeof(wrong_prices) / sizeof(wrong_prices[0]); i++) {
        assert_int_equal(read_changed(NULL, NULL, wrong_prices[i], problem), BO_ERR_BAD_PLAN);
        assert_non_null(strstr(problem, "prices"));
    }
}

static void settings_have_defaults_and_ranges(void **state) {
    (void)state;
    struct bo_settings s;
    struct bo_buffer problem = {0};
    json_t *json = json_loads("{\"rate_count\":750,\"rate_ms\":10000,\"opens_at\":\"2026-05-01T10:00:00Z\",\"policy\":\"rate\"}", 0, NULL);
    assert_int_equal(bo_settings_read(json, &s, &problem), 0);
    assert_int_equal(s.rate_count, 750);
    assert_int_equal(s.limit, 3);
    assert_int_equal(s.claim_ms, 60000);
    assert_int_equal(s.opens_at, INT64_C(1777629600000));
    json_decref(json);
    static const char *const wrong[] = {"{\"rate_count\":0}", "{\"rate_count\":\"many\"}", "{\"limit\":-3}", "{\"policy\":\"none\"}",
                                        "{\"currency\":\"eur\"}", "{\"opens_at\":\"tomorrow\"}", "{\"guests\":1}", "{\"rate\":5}", "[]"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        json = json_loads(wrong[i], 0, NULL);
        bo_buffer_clear(&problem);
        assert_int_equal(bo_settings_read(json, &s, &problem), BO_ERR_BAD_SETTING);
        assert_true(problem.length > 10);
        json_decref(json);
    }
    bo_buffer_free(&problem);
}

static int check_sale_at(bool stripe, const char *settings, const char *changed, char ret_problem[512]) {
    struct bo_buffer problem = {0};
    json_t *json = json_loads(settings, 0, NULL), *patch = changed ? json_loads(changed, 0, NULL) : NULL, *plan = json_loads(plan_text, 0, NULL);
    int err = bo_sale_check(json, patch, plan, stripe, &problem);
    snprintf(ret_problem, 512, "%s", problem.length ? problem.data : "");
    json_decref(json);
    json_decref(patch);
    json_decref(plan);
    bo_buffer_free(&problem);
    return err;
}

static int check_sale(const char *settings, const char *changed, char ret_problem[512]) {
    return check_sale_at(false, settings, changed, ret_problem);
}

static void O6_with_Stripe_a_price_is_one_that_Stripe_can_charge(void **state) {
    (void)state;
    static const struct {
        const char *settings, *says; /* NULL: right */
    } cases[] = {{"{\"prices\":{\"A\":5000,\"B\":2500},\"currency\":\"KWD\"}", NULL},
                 {"{\"prices\":{\"A\":5000,\"B\":2505},\"currency\":\"KWD\"}", "\"B\": 2505 cannot be charged by Stripe, which takes multiples of 10 in KWD"},
                 {"{\"prices\":{\"A\":5000,\"B\":2510},\"currency\":\"KWD\",\"tariffs\":[{\"name\":\"half\",\"percent\":50}]}", "\"half\" of category \"B\": 1255"},
                 {"{\"prices\":{\"A\":5000,\"B\":2550},\"currency\":\"MGA\"}", "multiples of 100 in MGA"},
                 {"{\"prices\":{\"A\":5000,\"B\":1},\"currency\":\"ISK\"}", NULL}};
    char problem[512];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(check_sale(cases[i].settings, NULL, problem), 0);
        assert_int_equal(check_sale_at(true, cases[i].settings, NULL, problem), cases[i].says ? BO_ERR_BAD_SETTING : 0);
        if (cases[i].says) assert_non_null(strstr(problem, cases[i].says));
    }
    assert_int_equal(check_sale_at(true, cases[1].settings, "{\"limit\":4}", problem), 0);
}

static void O6_a_price_is_nothing_or_at_least_what_can_be_charged(void **state) {
    (void)state;
    static const struct {
        const char *settings, *says; /* NULL: right */
    } cases[] = {{"{\"prices\":{\"A\":500,\"B\":50}}", NULL},
                 {"{\"prices\":{\"A\":500,\"B\":0}}", NULL},
                 {"{\"prices\":{\"A\":500,\"B\":49}}", "\"B\": 49"},
                 {"{\"prices\":{\"A\":500,\"B\":50},\"currency\":\"HUF\"}", "\"A\": 500"},
                 {"{\"prices\":{\"A\":5,\"B\":1},\"currency\":\"ISK\"}", NULL},
                 {"{\"prices\":{\"A\":500,\"B\":400},\"tariffs\":[{\"name\":\"half\",\"percent\":50}]}", NULL},
                 {"{\"prices\":{\"A\":500,\"B\":400},\"tariffs\":[{\"name\":\"baby\",\"percent\":0}]}", NULL},
                 {"{\"prices\":{\"A\":500,\"B\":400},\"tariffs\":[{\"name\":\"tenth\",\"percent\":12}]}", "12 % by \"tenth\" of category \"B\""},
                 {"{\"prices\":{\"A\":500,\"B\":400},\"tariffs\":[{\"name\":\"dime\",\"price\":10}]}", "\"dime\""},
                 {"{\"prices\":{\"A\":500,\"B\":400},\"currency\":\"ABC\"}", "ABC"}};
    char problem[512];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(check_sale(cases[i].settings, NULL, problem), cases[i].says ? BO_ERR_BAD_SETTING : 0);
        if (cases[i].says) assert_non_null(strstr(problem, cases[i].says));
    }
}

static void what_an_old_sale_has_is_refused_only_when_it_is_set_anew(void **state) {
    (void)state;
    static const char old[] = "{\"prices\":{\"A\":5,\"B\":1},\"currency\":\"ABC\"}", cheap[] = "{\"prices\":{\"A\":5,\"B\":1}}";
    char problem[512];
    assert_int_equal(check_sale(old, "{\"limit\":4}", problem), 0);
    assert_int_equal(check_sale(old, "{\"currency\":\"ABC\"}", problem), BO_ERR_BAD_SETTING);
    assert_int_equal(check_sale(cheap, "{\"limit\":4}", problem), 0);
    assert_int_equal(check_sale(cheap, "{\"tariffs\":[]}", problem), BO_ERR_BAD_SETTING);
}

static void note_change(void *arg, uint32_t seat, char seat_state) {
    size_t length = strlen(arg);
    snprintf((char *)arg + length, 64 - length, "%u%c ", seat, seat_state);
}

static void S3_a_map_notices_a_missed_change_and_gathers_the_others(void **state) {
    (void)state;
    struct bo_map map = {.version = -1};
    const int64_t seats[] = {1, 3, 99, -1};
    char told[64] = "";
    assert_false(bo_map_change(&map, 1, 1, seats, 2));
    bo_map_load(&map, 5, "00000", 5);
    assert_true(bo_map_change(&map, 5, 1, seats, 2)); /* is in already */
    assert_string_equal(map.states, "00000");
    assert_true(bo_map_change(&map, 6, 1, seats, 4));
    assert_string_equal(map.states, "01010");
    assert_false(bo_map_change(&map, 8, 2, seats, 1));
    assert_true(bo_map_change(&map, 7, 2, seats, 1));
    bo_map_take_changes(&map, note_change, told);
    assert_string_equal(told, "12 31 ");
    told[0] = '\0';
    bo_map_take_changes(&map, note_change, told);
    assert_string_equal(told, "");
    bo_map_free(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(S4_a_plan_gives_every_seat_its_row_grade_and_price),
                                       cmocka_unit_test(a_wrong_plan_says_where_it_is_wrong),
                                       cmocka_unit_test(best_seats_lie_together_near_the_stage_and_fit_the_wish),
                                       cmocka_unit_test(best_seats_leave_no_single_one_where_it_can_be_helped),
                                       cmocka_unit_test(settings_have_defaults_and_ranges),
                                       cmocka_unit_test(O6_with_Stripe_a_price_is_one_that_Stripe_can_charge),
        cmocka_unit_test(O6_a_price_is_nothing_or_at_least_what_can_be_charged),
                                       cmocka_unit_test(what_an_old_sale_has_is_refused_only_when_it_is_set_anew),
                                       cmocka_unit_test(S3_a_map_notices_a_missed_change_and_gathers_the_others)};
    return cmocka_run_group_tests_name("sale", tests, NULL, NULL);
}
