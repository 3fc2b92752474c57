/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "base/text.h"
#include "edge/address.h"
#include "edge/token.h"
#include "outside/breaker.h"
#include "outside/verdict.h"
#include "outside/payments.h"

#include <jansson.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

static struct bo_config config = {.secret = "the secret of these tests, long enough", .public_url = "https://tickets.example", .jwt_algorithm = "HS256", .jwt_key = "key of the site"};
static const bo_ms now = 1700000000000;

static void X2_an_access_token_is_bound_to_person_sale_and_number(void **state) {
    (void)state;
    struct bo_keys *keys = bo_keys_new(config.secret, 168);
    char *token = bo_token_access(&config, keys, "hall", "g:me", 17, now, now + 60000);
    struct bo_place_claim claim;
    assert_int_equal(bo_token_read_access(keys, token, now, &claim), 0);
    assert_string_equal(claim.sale, "hall");
    assert_string_equal(claim.person, "g:me");
    assert_int_equal(claim.number, 17);
    assert_int_equal(bo_token_read_access(keys, token, now + 61000, &claim), BO_ERR_TOKEN_EXPIRED);
    assert_int_equal(bo_token_read_place(&config, token, now, &claim), BO_ERR_TOKEN_FORGED);
    for (size_t i = 0; i < strlen(token); i += 7) { /* whatever is changed, it is noticed */
        char before = token[i];
        token[i] = before == 'A' ? 'B' : 'A';
        assert_int_not_equal(bo_token_read_access(keys, token, now, &claim), 0);
        token[i] = before;
    }
    assert_int_equal(bo_token_read_access(keys, token, now, &claim), 0);
    char place[BO_PLACE_TOKEN_MAX];
    bo_token_place(keys, "hall", "g:me", now + 60000, place);
    assert_int_equal(bo_token_read_access(keys, place, now, &claim), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_place(&config, place, now, &claim), 0);
    assert_string_equal(claim.person, "g:me");
    assert_int_equal(bo_token_read_place(&config, place, now + 60000, &claim), BO_ERR_TOKEN_EXPIRED);
    free(token);
    bo_keys_free(keys);
}

static void X2_keys_rotate_and_every_server_has_the_same(void **state) {
    (void)state;
    const bo_ms week = 168 * INT64_C(3600000);
    struct bo_keys *one = bo_keys_new(config.secret, 168), *two = bo_keys_new(config.secret, 168), *other = bo_keys_new("another secret", 168);
    char *token = bo_keys_sign(one, "{\"sub\":\"g:me\"}", now), *claims;
    assert_int_equal(bo_keys_open(two, token, now, &claims), 0);
    assert_string_equal(claims, "{\"sub\":\"g:me\"}");
    free(claims);
    assert_int_equal(bo_keys_open(two, token, now + week, &claims), 0); /* the last key still holds */
    free(claims);
    assert_int_equal(bo_keys_open(two, token, now + 2 * week, &claims), BO_ERR_TOKEN_FORGED);
    assert_int_equal(bo_keys_open(other, token, now, &claims), BO_ERR_TOKEN_FORGED);
    struct bo_buffer set = {0}, later = {0};
    bo_keys_print(one, now, &set);
    bo_keys_print(two, now + week, &later);
    json_t *keys = json_loads(set.data, 0, NULL), *keys_later = json_loads(later.data, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(keys, "keys")), 4); /* and that of tickets */
    assert_true(json_equal(json_array_get(json_object_get(keys, "keys"), 2), json_array_get(json_object_get(keys_later, "keys"), 1)));
    json_decref(keys);
    json_decref(keys_later);
    bo_buffer_free(&set);
    bo_buffer_free(&later);
    free(token);
    bo_keys_free(one);
    bo_keys_free(two);
    bo_keys_free(other);
}

static void an_invitation_says_lane_and_sale(void **state) {
    (void)state;
    struct bo_invitation_claim claim = {.sale = "hall", .lane = "vip", .id = "i1", .person = "u:ada"}, read;
    char *token = bo_token_invitation(&config, &claim, now + 60000);
    assert_int_equal(bo_token_read_invitation(&config, token, now, &read), 0);
    assert_string_equal(read.lane, "vip");
    assert_string_equal(read.person, "u:ada");
    assert_int_equal(bo_token_read_invitation(&config, token, now + 60000, &read), BO_ERR_TOKEN_EXPIRED);
    free(token);
}

static char *site_token(jwt_alg_t algorithm, const char *key, const char *sub, long expires) {
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    if (sub) jwt_add_grant(jwt, "sub", sub);
    if (expires) jwt_add_grant_int(jwt, "exp", expires);
    assert_int_equal(jwt_set_alg(jwt, algorithm, (const unsigned char *)key, key ? (int)strlen(key) : 0), 0);
    char *token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}

static int read_site(char *token, char *person) {
    struct bo_site_claim claim = {0};
    int err = bo_token_read_site(&config, token, now, &claim);
    strcpy(person, claim.person);
    free(token);
    return err;
}

/* A token of these claims as they stand. */
static char *site_token_of(const char *claims) {
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, claims), 0);
    assert_int_equal(jwt_set_alg(jwt, JWT_ALG_HS256, (const unsigned char *)"key of the site", 15), 0);
    char *token = jwt_encode_str(jwt);
    jwt_free(jwt);
    return token;
}

static void U4_a_subject_is_any_text_and_no_two_are_the_same_person(void **state) {
    (void)state;
    char people[16][BO_ID_MAX + 1], long_subject[400];
    static const char *const subjects[] = {"ada", "u:ada", "x:ada", "auth0|5f7c", "auth0|5f7d", "a+b@example.org", "q83vASNFZ4mrze8BI0VniQ==", "a b", "에이다",
                                           "0123456789012345678901234567890123456789012345678901234567890", "01234567890123456789012345678901234567890123456789012345678901",
                                           "012345678901234567890123456789012345678901234567890123456789012"};
    size_t count = sizeof(subjects) / sizeof(subjects[0]);
    for (size_t i = 0; i < count; i++) {
        snprintf(long_subject, sizeof(long_subject), "{\"sub\":\"%s\",\"exp\":1700000060}", subjects[i]);
        assert_int_equal(read_site(site_token_of(long_subject), people[i]), 0);
        assert_true(bo_text_is_id(people[i]));
        for (size_t k = 0; k < i; k++) assert_string_not_equal(people[i], people[k]);
    }
    assert_string_equal(people[0], "u:ada");
    assert_string_equal(people[1], "u:u:ada");
    assert_string_equal(people[2], "u:x:ada");
    assert_memory_equal(people[3], "x:", 2);
    assert_int_equal(read_site(site_token_of("{\"sub\":4711,\"exp\":1700000060}"), people[0]), 0);
    assert_string_equal(people[0], "u:4711");
    memset(long_subject, 'a', sizeof(long_subject));
    long_subject[BO_SUBJECT_MAX] = '\0';
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", long_subject, now / 1000 + 60), people[0]), 0);
    long_subject[BO_SUBJECT_MAX] = 'a';
    long_subject[BO_SUBJECT_MAX + 1] = '\0';
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", long_subject, now / 1000 + 60), people[0]), BO_ERR_TOKEN_SUBJECT);
}

static void U4_a_claim_that_is_wrong_is_named_and_a_time_may_have_decimals(void **state) {
    (void)state;
    char person[BO_ID_MAX + 1];
    static const struct {
        const char *claims;
        int err;
    } cases[] = {{"{\"sub\":\"ada\",\"exp\":1700000060.25}", 0}, {"{\"sub\":\"ada\",\"exp\":1.70000006e9}", 0},
                 {"{\"sub\":\"ada\",\"exp\":1699999999.9}", BO_ERR_TOKEN_EXPIRED}, {"{\"sub\":\"ada\",\"exp\":-1}", BO_ERR_TOKEN_EXPIRED},
                 {"{\"sub\":\"ada\",\"exp\":1e30}", 0}, {"{\"sub\":\"ada\"}", BO_ERR_TOKEN_TIME},
                 {"{\"sub\":\"ada\",\"exp\":\"1700000060\"}", BO_ERR_TOKEN_TIME}, {"{\"exp\":1700000060}", BO_ERR_TOKEN_SUBJECT},
                 {"{\"sub\":\"\",\"exp\":1700000060}", BO_ERR_TOKEN_SUBJECT}, {"{\"sub\":1.5,\"exp\":1700000060}", BO_ERR_TOKEN_SUBJECT},
                 {"{\"sub\":[\"ada\"],\"exp\":1700000060}", BO_ERR_TOKEN_SUBJECT}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) assert_int_equal(read_site(site_token_of(cases[i].claims), person), cases[i].err);
}

static void U1_a_site_token_says_who_somebody_is_and_nothing_else_does(void **state) {
    (void)state;
    char person[BO_ID_MAX + 1], huge[4000];
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", "ada", now / 1000 + 60), person), 0);
    assert_string_equal(person, "u:ada");
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "another key", "ada", now / 1000 + 60), person), BO_ERR_TOKEN_FORGED);
    assert_int_equal(read_site(site_token(JWT_ALG_HS512, "key of the site", "ada", now / 1000 + 60), person), BO_ERR_TOKEN_FORGED);
    assert_int_equal(read_site(site_token(JWT_ALG_NONE, NULL, "ada", now / 1000 + 60), person), BO_ERR_TOKEN_FORGED);
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", NULL, now / 1000 + 60), person), BO_ERR_TOKEN_SUBJECT);
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", "ada", now / 1000 - 1), person), BO_ERR_TOKEN_EXPIRED);
    assert_int_equal(read_site(site_token(JWT_ALG_HS256, "key of the site", "ada", 0), person), BO_ERR_TOKEN_TIME);
    assert_int_equal(read_site(strdup("not a token"), person), BO_ERR_TOKEN_FORGED);
    memset(huge, 'a', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    assert_int_equal(read_site(strdup(huge), person), BO_ERR_TOKEN_FORGED);
    config.jwt_algorithm = "none";
    assert_int_equal(read_site(site_token(JWT_ALG_NONE, NULL, "ada", now / 1000 + 60), person), BO_ERR_TOKEN_FORGED);
    config.jwt_algorithm = "HS256";
}

static void O4_a_ticket_code_is_the_same_every_time(void **state) {
    (void)state;
    struct bo_keys *keys = bo_keys_new(config.secret, 24), *others = bo_keys_new("another secret, just as long as it", 24);
    const struct bo_ticket_claim ticket = {"hall", "S \"1\"", "o:1", 7};
    char *one = bo_token_ticket(keys, &ticket), *two = bo_token_ticket(keys, &ticket), *access = bo_keys_sign(keys, "{}", 1700000000000);
    struct bo_ticket_claim claim;
    assert_string_equal(one, two);
    assert_int_equal(bo_token_read_ticket(keys, one, &claim), 0);
    assert_string_equal(claim.seat, "S \"1\"");
    assert_string_equal(claim.order, "o:1");
    assert_int_equal(claim.serial, 7);
    assert_int_equal(bo_token_read_ticket(others, one, &claim), BO_ERR_TOKEN_FORGED);
    assert_int_equal(bo_token_read_ticket(keys, access, &claim), BO_ERR_TOKEN_FOREIGN);
    one[strlen(one) - 1] ^= 1;
    assert_int_equal(bo_token_read_ticket(keys, one, &claim), BO_ERR_TOKEN_FORGED);
    free(one);
    free(two);
    free(access);
    bo_keys_free(keys);
    bo_keys_free(others);
}

static void U2_a_ticket_link_is_bound_to_sale_order_and_person_and_is_no_other_token(void **state) {
    (void)state;
    struct bo_keys *keys = bo_keys_new(config.secret, 168);
    const struct bo_link_claim link = {"hall", "o:1", "g:me", now + 60000};
    const struct bo_ticket_claim ticket = {"hall", "S-1", "o:1", 7};
    struct bo_link_claim read;
    struct bo_place_claim place_claim;
    struct bo_ticket_claim ticket_claim;
    char person[BO_ID_MAX + 1], place[BO_PLACE_TOKEN_MAX];
    char *token = bo_token_link(&config, &link), *transfer = bo_token_transfer(&config, &ticket, "g:me", now + 60000), *account = bo_token_account(&config, "g:me", now + 60000);
    assert_int_equal(bo_token_read_link(&config, token, &read), 0);
    assert_string_equal(read.sale, "hall");
    assert_string_equal(read.order, "o:1");
    assert_string_equal(read.person, "g:me");
    assert_int_equal(read.expires, now + 60000);
    assert_int_equal(bo_token_read_place(&config, token, now, &place_claim), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_account(&config, token, now, person), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_transfer(&config, token, now, &ticket_claim, person), BO_ERR_TOKEN_FOREIGN);
    bo_token_place(keys, "hall", "g:me", now - 60000, place);
    assert_int_equal(bo_token_read_link(&config, place, &read), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_link(&config, transfer, &read), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_link(&config, account, &read), BO_ERR_TOKEN_FOREIGN);
    assert_int_equal(bo_token_read_place(&config, place, now, &place_claim), BO_ERR_TOKEN_EXPIRED);
    assert_string_equal(place_claim.person, "g:me"); /* it still opens what was bought by it */
    assert_int_equal(place_claim.expires, now - 60000);
    for (size_t i = 0; i < strlen(token); i += 7) {
        char before = token[i];
        token[i] = before == 'A' ? 'B' : 'A';
        assert_int_not_equal(bo_token_read_link(&config, token, &read), 0);
        token[i] = before;
    }
    free(token);
    free(transfer);
    free(account);
    bo_keys_free(keys);
}

static void X5_an_address_counts_as_the_network_it_is_of(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"192.0.2.1", "192.0.2.1"}, {"192.0.2.1:4711", "192.0.2.1"}, {"::ffff:192.0.2.1", "192.0.2.1"},
                                           {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"}, {"2001:DB8:1:2::9", "2001:db8:1:2::/64"},
                                           {"[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"}, {"fe80::1%eth0", "fe80::/64"}, {"::1", "::/64"},
                                           {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"}, {"unknown", "unknown"}, {"", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char group[BO_ADDRESS_MAX];
        bo_address_group(cases[i][0], group);
        assert_string_equal(group, cases[i][1]);
    }
    assert_string_equal(bo_address_last("192.0.2.1"), "192.0.2.1");
    assert_string_equal(bo_address_last("a, b,\t192.0.2.1"), "192.0.2.1");
    assert_string_equal(bo_address_last("a,"), "");
}

/* The example of https://docs.stripe.com/webhooks: t, then v1, which is repeated while a secret is being replaced. */
static void a_stripe_signature_must_be_right_and_fresh(void **state) {
    (void)state;
    char signature[65], header[200];
    bo_text_hmac("whsec_test", "1700000000.{}", 13, signature);
    snprintf(header, sizeof(header), "t=1700000000,v1=%s,v0=abc", signature);
    assert_true(bo_stripe_signature_ok("whsec_test", header, "{}", 2, 1700000100));
    assert_false(bo_stripe_signature_ok("whsec_test", header, "{}", 2, 1700000301));
    assert_false(bo_stripe_signature_ok("whsec_test", header, "[]", 2, 1700000100));
    assert_false(bo_stripe_signature_ok("whsec_else", header, "{}", 2, 1700000100));
    snprintf(header, sizeof(header), "t=1700000000,v1=00ff,v1=%s", signature);
    assert_true(bo_stripe_signature_ok("whsec_test", header, "{}", 2, 1700000100));
    snprintf(header, sizeof(header), "t=1700000000,v0=%s", signature);
    assert_false(bo_stripe_signature_ok("whsec_test", header, "{}", 2, 1700000100));
    for (const char *const *bad = (const char *const[]){"", "t=", "v1=", "t=1700000000", "t=abc,v1=00", ",,,=", NULL}; *bad; bad++)
        assert_false(bo_stripe_signature_ok("whsec_test", *bad, "{}", 2, 1700000100));
}

static void X1_a_breaker_opens_after_failures_in_a_row_and_tries_one(void **state) {
    (void)state;
    struct bo_breaker breaker = {0};
    for (int i = 0; i < BO_BREAKER_FAILURES; i++) {
        assert_true(bo_breaker_allows(&breaker, 1000));
        bo_breaker_note(&breaker, 1000, true);
    }
    assert_false(bo_breaker_allows(&breaker, 1000 + BO_BREAKER_MS - 1));
    assert_true(bo_breaker_allows(&breaker, 1000 + BO_BREAKER_MS));
    assert_false(bo_breaker_allows(&breaker, 1000 + BO_BREAKER_MS)); /* one at a time */
    bo_breaker_note(&breaker, 3500, true);
    assert_false(bo_breaker_allows(&breaker, 3500 + BO_BREAKER_MS - 1));
    assert_true(bo_breaker_allows(&breaker, 3500 + BO_BREAKER_MS));
    bo_breaker_note(&breaker, 5600, false);
    assert_true(bo_breaker_allows(&breaker, 5600));
}

static void X6_a_no_is_an_answer_and_silence_is_a_failure(void **state) {
    (void)state;
    const struct {
        enum bo_dialect dialect;
        long status;
        enum bo_verdict verdict;
    } cases[] = {
        {BO_DIALECT_HTTP, 200, BO_VERDICT_DONE},       {BO_DIALECT_HTTP, 204, BO_VERDICT_DONE},     {BO_DIALECT_HTTP, 400, BO_VERDICT_REFUSED},
        {BO_DIALECT_HTTP, 402, BO_VERDICT_REFUSED},    {BO_DIALECT_HTTP, 404, BO_VERDICT_REFUSED},  {BO_DIALECT_HTTP, 409, BO_VERDICT_REFUSED},
        {BO_DIALECT_HTTP, 408, BO_VERDICT_FAILED},     {BO_DIALECT_HTTP, 425, BO_VERDICT_FAILED},   {BO_DIALECT_HTTP, 429, BO_VERDICT_FAILED},
        {BO_DIALECT_HTTP, 302, BO_VERDICT_FAILED},     {BO_DIALECT_HTTP, 500, BO_VERDICT_FAILED},   {BO_DIALECT_HTTP, 503, BO_VERDICT_FAILED},
        {BO_DIALECT_HTTP, 0, BO_VERDICT_FAILED},       {BO_DIALECT_STRIPE, 409, BO_VERDICT_FAILED}, {BO_DIALECT_STRIPE, 402, BO_VERDICT_REFUSED},
        {BO_DIALECT_SMTP, 250, BO_VERDICT_DONE},       {BO_DIALECT_SMTP, 421, BO_VERDICT_FAILED},   {BO_DIALECT_SMTP, 450, BO_VERDICT_FAILED},
        {BO_DIALECT_SMTP, 550, BO_VERDICT_REFUSED},    {BO_DIALECT_SMTP, 0, BO_VERDICT_FAILED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(bo_verdict_of(cases[i].dialect, cases[i].status), cases[i].verdict);
}

static void a_webhook_signature_must_be_right_and_fresh(void **state) {
    (void)state;
    /* printf '1700000000.{}' | openssl dgst -sha256 -hmac secret-of-payments */
    static const char right[] = "16335fd5dfa6a801f6f5b2f67866c66079f254e204807eafbecd424c8de31d7f";
    assert_true(bo_payment_signature_ok("secret-of-payments", "1700000000", right, "{}", 2, 1700000100));
    assert_false(bo_payment_signature_ok("secret-of-payments", "1700000000", right, "{}", 2, 1700000301));
    assert_false(bo_payment_signature_ok("secret-of-payments", "1700000000", right, "[]", 2, 1700000000));
    assert_false(bo_payment_signature_ok("secret-of-paymentz", "1700000000", right, "{}", 2, 1700000000));
    assert_false(bo_payment_signature_ok("secret-of-payments", "1700000000", "00", "{}", 2, 1700000000));
    assert_false(bo_payment_signature_ok("secret-of-payments", "", "", "{}", 2, 1700000000));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(X2_an_access_token_is_bound_to_person_sale_and_number),
                                       cmocka_unit_test(X2_keys_rotate_and_every_server_has_the_same),
                                       cmocka_unit_test(an_invitation_says_lane_and_sale),
                                       cmocka_unit_test(U1_a_site_token_says_who_somebody_is_and_nothing_else_does),
        cmocka_unit_test(X5_an_address_counts_as_the_network_it_is_of),
        cmocka_unit_test(U4_a_subject_is_any_text_and_no_two_are_the_same_person),
        cmocka_unit_test(U4_a_claim_that_is_wrong_is_named_and_a_time_may_have_decimals),
                                       cmocka_unit_test(O4_a_ticket_code_is_the_same_every_time),
                                       cmocka_unit_test(U2_a_ticket_link_is_bound_to_sale_order_and_person_and_is_no_other_token),
                                       cmocka_unit_test(a_stripe_signature_must_be_right_and_fresh),
                                       cmocka_unit_test(X1_a_breaker_opens_after_failures_in_a_row_and_tries_one),
                                       cmocka_unit_test(X6_a_no_is_an_answer_and_silence_is_a_failure),
                                       cmocka_unit_test(a_webhook_signature_must_be_right_and_fresh)};
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
