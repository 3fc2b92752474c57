/* SPDX-License-Identifier: Apache-2.0
 * What browsers are served: src/pages and the client library, built into the program (src/pages/bundle.py). A page refers to everything else
 * as /-/VERSION/name, which may be kept for ever; the client library has a lasting address as well, /client/…, for other sites. */
#ifndef BO_EDGE_PAGES_H
#define BO_EDGE_PAGES_H

#include "edge/http.h"

struct bo_page {
    const char *name, *type, *etag; /* name: "tickets.html", "words/en.js", "client/boxoffice.js" */
    size_t length, packed_length;
    const char *data, *packed; /* packed: with gzip */
};

extern const struct bo_page bo_pages[]; /* the last one's name is NULL */
extern const char bo_pages_version[];

/* Answers when the path is a page; pages of the operator (admin/…) are on his port only. */
bool bo_pages_run(struct bo_http *http);

/* What a browser may do on a page, see Content-Security-Policy; allows Stripe's elements where they are paid with. */
const char *bo_pages_policy(const struct bo_http *http);

#endif
