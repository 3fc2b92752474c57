/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_NUMBER, KIND_CHOICE };

struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *text_default;
    int64_t number_default, min, max;
    const char *unit_or_allowed;
    int reload;
    const char *doc;
};

static const struct option options[] = {
#define TEXT(name, def, reload, doc) {#name, KIND_TEXT, offsetof(struct bo_config, name), def, 0, 0, 0, "", reload, doc},
#define NUMBER(name, def, min, max, unit, reload, doc)                                                                           \
    {#name, KIND_NUMBER, offsetof(struct bo_config, name), NULL, def, min, max, unit, reload, doc},
#define CHOICE(name, def, allowed, reload, doc)                                                                                  \
    {#name, KIND_CHOICE, offsetof(struct bo_config, name), def, 0, 0, 0, allowed, reload, doc},
#include "config/options.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

static char **text_of(const struct bo_config *c, const struct option *o) { return (char **)((char *)c + o->offset); }

static int64_t *number_of(const struct bo_config *c, const struct option *o) { return (int64_t *)((char *)c + o->offset); }

static void set_text(struct bo_config *c, const struct option *o, const char *value) {
    char **text = text_of(c, o);
    char *fresh = bo_strdup(value);
    free(*text);
    *text = fresh;
}

static bool word_in(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *p = words; n && (p = strstr(p, word)); p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

static void name_nearest(const char *name, struct bo_buffer *problem) {
    bo_buffer_printf(problem, "there is no option \"%s\". Options:", name);
    for (size_t i = 0; i < OPTION_COUNT; i++) bo_buffer_printf(problem, "%s %s", i ? "," : "", options[i].name);
}

int bo_config_set(struct bo_config *config, const char *name, const char *value, struct bo_buffer *problem) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (strcmp(o->name, name) != 0) continue;
        if (o->kind == KIND_NUMBER && !bo_text_to_number(value, o->min, o->max, number_of(config, o))) {
            bo_buffer_printf(problem, "%s = \"%s\": allowed is a whole number from %lld to %lld (%s)", name, value,
                             (long long)o->min, (long long)o->max, o->unit_or_allowed);
            return BO_ERR_BAD_CONFIG;
        }
        if (o->kind == KIND_CHOICE && !word_in(o->unit_or_allowed, value)) {
            bo_buffer_printf(problem, "%s = \"%s\": allowed is one of: %s", name, value, o->unit_or_allowed);
            return BO_ERR_BAD_CONFIG;
        }
        if (o->kind != KIND_NUMBER) set_text(config, o, value);
        return 0;
    }
    name_nearest(name, problem);
    return BO_ERR_BAD_CONFIG;
}

struct reading {
    struct bo_config *config;
    struct bo_buffer *problem;
};

static int on_line(void *arg, const char *section, const char *name, const char *value) {
    struct reading *r = arg;
    if (r->problem->length) return 0; /* the first problem is the one to tell */
    if (*section) {
        bo_buffer_printf(r->problem, "sections like [%s] are not used; write name = value", section);
        return 0;
    }
    return bo_config_set(r->config, name, value ? value : "", r->problem) == 0;
}

static int read_file(const char *path, struct bo_config *config, struct bo_buffer *problem) {
    struct bo_buffer what = {0};
    struct reading r = {config, &what};
    int line = ini_parse(path, on_line, &r);
    if (line < 0)
        bo_buffer_printf(problem, "%s: cannot be read", path);
    else if (line > 0)
        bo_buffer_printf(problem, "%s line %d: %s", path, line, what.length ? what.data : "write name = value");
    bo_buffer_free(&what);
    return line ? BO_ERR_BAD_CONFIG : 0;
}

static int read_environment(struct bo_config *config, struct bo_buffer *problem) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char variable[64] = "BOXOFFICE_";
        size_t n = strlen(variable);
        for (const char *p = options[i].name; *p && n < sizeof(variable) - 1; p++) variable[n++] = (char)toupper(*p);
        const char *value = getenv(variable);
        if (!value) continue;
        struct bo_buffer what = {0};
        int err = bo_config_set(config, options[i].name, value, &what);
        if (err) bo_buffer_printf(problem, "environment variable %s: %s", variable, what.data);
        bo_buffer_free(&what);
        if (err) return err;
    }
    return 0;
}

int bo_config_read(const char *path, struct bo_config *ret, struct bo_buffer *problem) {
    struct bo_config config = {0};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].kind == KIND_NUMBER)
            *number_of(&config, &options[i]) = options[i].number_default;
        else
            set_text(&config, &options[i], options[i].text_default);
    }
    int err = path ? read_file(path, &config, problem) : 0;
    if (!err) err = read_environment(&config, problem);
    if (err) {
        bo_config_free(&config);
        return err;
    }
    *ret = config;
    return 0;
}

static bool is_role(const char *text, size_t length) {
    static const char *const roles[] = {"viewer", "operator", "admin"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strlen(roles[i]) == length && strncmp(text, roles[i], length) == 0) return true;
    return false;
}

static int check_admin_tokens(const char *tokens, struct bo_buffer *problem) {
    const char *p = tokens;
    while (*p) {
        p += strspn(p, ", ");
        size_t length = strcspn(p, ", ");
        const char *colon = memchr(p, ':', length);
        const char *role = colon ? memrchr(p, ':', length) : NULL;
        size_t end = role && role != colon && is_role(role + 1, length - (size_t)(role - p) - 1) ? (size_t)(role - p) : length;
        if (length && (!colon || colon == p || end - (size_t)(colon - p) - 1 < 16)) {
            bo_buffer_add_text(problem, "admin_tokens: allowed is name:token or name:token:role, separated by commas, with tokens of 16 characters or more and viewer, operator or admin as role");
            return BO_ERR_BAD_CONFIG;
        }
        p += length;
    }
    return 0;
}

/* Money that comes days later finds the seats sold to others (https://docs.stripe.com/payments/payment-methods). */
static int check_stripe_methods(const char *methods, struct bo_buffer *problem) {
    static const char slow[] = "acss_debit au_becs_debit bacs_debit boleto customer_balance konbini multibanco nz_bank_account oxxo sepa_debit sofort"
                               " us_bank_account";
    const char *p = methods + strspn(methods, ", ");
    if (!*p) bo_buffer_add_text(problem, "stripe_methods: name at least one, like card");
    for (; *p && !problem->length; p += strspn(p, ", ")) {
        char method[64];
        size_t n = strcspn(p, ", ");
        snprintf(method, sizeof(method), "%.*s", (int)n, p);
        if (n >= sizeof(method) || strspn(method, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
            bo_buffer_printf(problem, "stripe_methods: \"%s\" is no name of a payment method", method);
        else if (word_in(slow, method))
            bo_buffer_printf(problem, "stripe_methods: %s settles after days, when the seats are sold to others; allowed are methods that settle at once", method);
        p += n;
    }
    return problem->length ? BO_ERR_BAD_CONFIG : 0;
}

bool bo_config_is_stripe(const struct bo_config *config) { return strcmp(config->payment_kind, "stripe") == 0; }

int bo_config_check(const struct bo_config *config, struct bo_buffer *problem) {
    if (strlen(config->secret) < 32) {
        bo_buffer_add_text(problem, "secret: set it to 32 random characters or more (openssl rand -hex 32)");
        return BO_ERR_BAD_CONFIG;
    }
    if (strcmp(config->jwt_algorithm, "none") != 0 && !*config->jwt_key) {
        bo_buffer_printf(problem, "jwt_key: needed for jwt_algorithm = %s", config->jwt_algorithm);
        return BO_ERR_BAD_CONFIG;
    }
    if (*config->payment_url && strlen(config->payment_secret) < 16) {
        bo_buffer_add_text(problem, "payment_secret: set it to 16 characters or more, the same as in the payment service");
        return BO_ERR_BAD_CONFIG;
    }
    if (bo_config_is_stripe(config) && check_stripe_methods(config->stripe_methods, problem)) return BO_ERR_BAD_CONFIG;
    if (config->admin_port == config->listen_port && strcmp(config->admin_host, config->listen_host) == 0) {
        bo_buffer_add_text(problem, "admin_port: must differ from listen_port, so that the public cannot reach the admin API");
        return BO_ERR_BAD_CONFIG;
    }
    return check_admin_tokens(config->admin_tokens, problem);
}

void bo_config_reload(struct bo_config *config, const struct bo_config *fresh, struct bo_buffer *need_restart) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        bool same = o->kind == KIND_NUMBER ? *number_of(config, o) == *number_of(fresh, o)
                                           : strcmp(*text_of(config, o), *text_of(fresh, o)) == 0;
        if (same) continue;
        if (!o->reload)
            bo_buffer_printf(need_restart, "%s%s", need_restart->length ? ", " : "", o->name);
        else if (o->kind == KIND_NUMBER)
            *number_of(config, o) = *number_of(fresh, o);
        else
            set_text(config, o, *text_of(fresh, o));
    }
}

void bo_config_print_sample(struct bo_buffer *out) {
    bo_buffer_add_text(out, "; boxoffice configuration. Every option with its default; the environment (BOXOFFICE_<NAME>) "
                            "goes over this file.\n; Check a file with: boxoffice check-config FILE\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        bo_buffer_printf(out, "\n; %s\n", o->doc);
        if (o->kind == KIND_NUMBER)
            bo_buffer_printf(out, "; %lld to %lld %s.%s\n;%s = %lld\n", (long long)o->min, (long long)o->max,
                             o->unit_or_allowed, o->reload ? " SIGHUP reloads it." : "", o->name, (long long)o->number_default);
        else
            bo_buffer_printf(out, "%s%s%s%s;%s = %s\n", o->kind == KIND_CHOICE ? "; One of: " : "", o->unit_or_allowed,
                             o->kind == KIND_CHOICE ? ".\n" : "", o->reload ? "; SIGHUP reloads it.\n" : "", o->name,
                             o->text_default);
    }
}

void bo_config_print_markdown(struct bo_buffer *out) {
    bo_buffer_add_text(out, "# Configuration\n\nPrinted from the option table (`boxoffice default-config --markdown`); a test "
                            "compares this page with it.\n\nOptions come from an INI file (`boxoffice serve --config FILE`) and "
                            "from the environment (`BOXOFFICE_LISTEN_PORT=8090`),\nwhich goes over the file. A wrong option "
                            "ends the start with exit status 2 and says the line and what is allowed.\n`boxoffice "
                            "check-config FILE` checks without starting.\n\n| option | default | allowed | SIGHUP | what it "
                            "does |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &options[i];
        if (o->kind == KIND_NUMBER)
            bo_buffer_printf(out, "| `%s` | %lld | %lld to %lld %s |", o->name, (long long)o->number_default, (long long)o->min,
                             (long long)o->max, o->unit_or_allowed);
        else
            bo_buffer_printf(out, "| `%s` | %s | %s |", o->name, *o->text_default ? o->text_default : "(empty)",
                             o->kind == KIND_CHOICE ? o->unit_or_allowed : "text");
        bo_buffer_printf(out, " %s | %s |\n", o->reload ? "reloads" : "restart", o->doc);
    }
}

void bo_config_free(struct bo_config *config) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (options[i].kind != KIND_NUMBER) free(*text_of(config, &options[i]));
    *config = (struct bo_config){0};
}
