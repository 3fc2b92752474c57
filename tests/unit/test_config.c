/* SPDX-License-Identifier: Apache-2.0 */
#include "tap.h"

#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void write_file(const char *text) {
    snprintf(path, sizeof(path), "/tmp/bo-config-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

/* What is complained about this file; "" when it is right. The caller frees it. */
static char *complaint(const char *text) {
    struct bo_config config = {0};
    struct bo_buffer problem = {0};
    write_file(text);
    int err = bo_config_read(path, &config, &problem);
    if (!err) err = bo_config_check(&config, &problem);
    assert_int_equal(err != 0, problem.length != 0);
    bo_config_free(&config);
    unlink(path);
    char *copy = strdup(problem.data ? problem.data : "");
    bo_buffer_free(&problem);
    return copy;
}

static void assert_complaint(const char *text, const char *line, const char *allowed) {
    char *said = complaint(text);
    assert_non_null(strstr(said, line));
    assert_non_null(strstr(said, allowed));
    free(said);
}

#define SECRET "secret = 0123456789012345678901234567890123\n"

static void a_wrong_option_says_the_line_and_what_is_allowed(void **state) {
    (void)state;
    char *said = complaint(SECRET "listen_port = 9000\n");
    assert_string_equal(said, "");
    free(said);
    assert_complaint(SECRET "\nlisten_port = 70000\n", "line 3", "1 to 65535");
    assert_complaint("listen_port = eleven\n" SECRET, "line 1", "1 to 65535");
    assert_complaint(SECRET "log_level = loud\n", "line 2", "debug info warn error");
    assert_complaint(SECRET "log_level = de\n", "line 2", "debug info warn error");
    assert_complaint(SECRET "listen_prot = 9000\n", "line 2", "listen_port");
    assert_complaint(SECRET "[section]\nlisten_port = 9000\n", "line 3", "sections");
    assert_complaint("secret = short\n", "secret", "32");
    assert_complaint(SECRET "jwt_algorithm = HS256\n", "jwt_key", "HS256");
    assert_complaint(SECRET "admin_tokens = me:short\n", "admin_tokens", "16");
    assert_complaint(SECRET "payment_url = http://x\n", "payment_secret", "16");
    assert_complaint(SECRET "admin_host = 0.0.0.0\nadmin_port = 8080\n", "admin_port", "differ");
}

static void a_missing_file_is_named(void **state) {
    (void)state;
    struct bo_config config = {0};
    struct bo_buffer problem = {0};
    assert_int_equal(bo_config_read("/nowhere/at.all", &config, &problem), BO_ERR_BAD_CONFIG);
    assert_non_null(strstr(problem.data, "/nowhere/at.all"));
    bo_buffer_free(&problem);
}

static void the_environment_goes_over_the_file(void **state) {
    (void)state;
    struct bo_config config = {0};
    struct bo_buffer problem = {0};
    write_file(SECRET "listen_port = 9000\ngateways = 3\n");
    setenv("BOXOFFICE_LISTEN_PORT", "9001", 1);
    assert_int_equal(bo_config_read(path, &config, &problem), 0);
    assert_int_equal(config.listen_port, 9001);
    assert_int_equal(config.gateways, 3);
    bo_config_free(&config);
    setenv("BOXOFFICE_LISTEN_PORT", "none", 1);
    assert_int_equal(bo_config_read(path, &config, &problem), BO_ERR_BAD_CONFIG);
    assert_non_null(strstr(problem.data, "BOXOFFICE_LISTEN_PORT"));
    unsetenv("BOXOFFICE_LISTEN_PORT");
    unlink(path);
    bo_buffer_free(&problem);
}

static void a_reload_takes_what_may_change_and_names_the_rest(void **state) {
    (void)state;
    struct bo_config config, fresh;
    struct bo_buffer problem = {0}, restart = {0};
    assert_int_equal(bo_config_read(NULL, &config, &problem), 0);
    assert_int_equal(bo_config_read(NULL, &fresh, &problem), 0);
    assert_int_equal(bo_config_set(&fresh, "log_level", "debug", &problem), 0);
    assert_int_equal(bo_config_set(&fresh, "tick_ms", "200", &problem), 0);
    assert_int_equal(bo_config_set(&fresh, "listen_port", "9999", &problem), 0);
    bo_config_reload(&config, &fresh, &restart);
    assert_string_equal(config.log_level, "debug");
    assert_int_equal(config.tick_ms, 200);
    assert_int_equal(config.listen_port, 8080);
    assert_string_equal(restart.data, "listen_port");
    bo_config_free(&config);
    bo_config_free(&fresh);
    bo_buffer_free(&restart);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_wrong_option_says_the_line_and_what_is_allowed),
                                       cmocka_unit_test(a_missing_file_is_named),
                                       cmocka_unit_test(the_environment_goes_over_the_file),
                                       cmocka_unit_test(a_reload_takes_what_may_change_and_names_the_rest)};
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
