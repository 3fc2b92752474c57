/* SPDX-License-Identifier: Apache-2.0 */
#include "boxoffice/ports.h"

#include <stdlib.h>

static const struct bo_value nil = {.kind = BO_VALUE_NIL};

const struct bo_value *bo_value_item(const struct bo_value *list, size_t i) {
    return list && list->kind == BO_VALUE_LIST && i < list->length ? &list->items[i] : &nil;
}

int64_t bo_value_number(const struct bo_value *list, size_t i) {
    const struct bo_value *v = bo_value_item(list, i);
    if (v->kind == BO_VALUE_NUMBER) return v->number;
    return v->kind == BO_VALUE_TEXT ? strtoll(v->text, NULL, 10) : 0;
}

const char *bo_value_text(const struct bo_value *list, size_t i) {
    const struct bo_value *v = bo_value_item(list, i);
    return v->kind == BO_VALUE_TEXT ? v->text : "";
}
