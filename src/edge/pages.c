/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/pages.h"

#include <stdio.h>
#include <string.h>

#define FOREVER_S 31536000

static const struct bo_page *find(const char *name) {
    for (const struct bo_page *page = bo_pages; page->name; page++)
        if (strcmp(page->name, name) == 0) return page;
    return NULL;
}

/* The name of the page at this path. ret_forever: it is named with this version. */
static const char *name_of(const struct bo_http *http, bool *ret_forever) {
    size_t n = strlen(bo_pages_version);
    const char *path = http->path + 1, *slash;
    *ret_forever = false;
    if (!*path) return http->admin ? "admin/index.html" : "index.html";
    if (strncmp(path, "-/", 2) != 0) return strncmp(path, "client/", 7) == 0 || (strstr(path, ".html") && !strchr(path, '/')) ? path : "";
    slash = strchr(path + 2, '/');
    *ret_forever = slash && (size_t)(slash - path - 2) == n && strncmp(path + 2, bo_pages_version, n) == 0;
    return slash ? slash + 1 : "";
}

bool bo_pages_run(struct bo_http *http) {
    bool forever, get = strcmp(http->method, "GET") == 0 || strcmp(http->method, "HEAD") == 0;
    const struct bo_page *page = get ? find(name_of(http, &forever)) : NULL;
    if (!page || (strncmp(page->name, "admin/", 6) == 0 && !http->admin)) return false;
    if (forever) http->max_age_s = FOREVER_S;
    http->any_origin = strncmp(page->name, "client/", 7) == 0;
    http->gzip = http->takes_gzip;
    bo_http_answer_cached(http, page->etag, page->type, http->gzip ? page->packed : page->data, http->gzip ? page->packed_length : page->length);
    return true;
}

#define COMMON "default-src 'none'; style-src 'self'; img-src 'self' data: https:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const char *bo_pages_policy(const struct bo_http *http) {
    bool stripe = !http->admin && bo_config_is_stripe(&http->gateway->config);
    return stripe ? COMMON "; script-src 'self' https://js.stripe.com; connect-src 'self' https://api.stripe.com; frame-src https://js.stripe.com https://hooks.stripe.com"
                  : COMMON "; script-src 'self'; connect-src 'self'";
}
