/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/memory.h"
#include "bench/crowd.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int crowd_http(const char *host, int port, const char *method, const char *path, char **body) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {2, 0};
    int status = 0, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct bo_buffer request = {0}, answer = {0};
    bo_buffer_printf(&request, "%s %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", method, path, host, port);
    inet_pton(AF_INET, host, &to.sin_addr);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
        connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && write(fd, request.data, request.length) == (ssize_t)request.length) {
        char part[16384];
        for (ssize_t n; (n = read(fd, part, sizeof(part))) > 0;) bo_buffer_add(&answer, part, (size_t)n);
    }
    if (fd >= 0) close(fd);
    const char *content = answer.data ? strstr(answer.data, "\r\n\r\n") : NULL;
    if (content) {
        status = atoi(answer.data + strcspn(answer.data, " "));
        if (body) *body = bo_strdup(content + 4);
    }
    bo_buffer_free(&request);
    bo_buffer_free(&answer);
    return status;
}

static int by_guid(const void *a, const void *b, void *guids) {
    return strcmp(((char **)guids)[*(const int *)a], ((char **)guids)[*(const int *)b]);
}

int crowd_seat_index(const struct crowd_options *options, const char *guid) {
    int low = 0, high = options->seat_count - 1;
    while (low <= high) {
        int middle = (low + high) / 2, order = strcmp(options->guids[options->by_guid[middle]], guid);
        if (order == 0) return options->by_guid[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return -1;
}

void crowd_load_plan(struct crowd_options *options) {
    char path[160], *body = NULL;
    snprintf(path, sizeof(path), "/api/sales/%s/plan", options->sale);
    int status = 0;
    for (int i = 0; i < 50 && status != 200; i++) { /* a gateway that has just started may not know the sale yet */
        free(body);
        body = NULL;
        if (i) poll(NULL, 0, 100);
        status = crowd_http(options->host, options->port, "GET", path, &body);
    }
    json_t *plan = status == 200 ? json_loads(body, 0, NULL) : NULL, *seats = json_object_get(plan, "seats"), *seat;
    size_t i;
    if (!json_is_array(seats)) {
        fprintf(stderr, "crowd: no plan of sale %s at %s:%d (status %d)\n", options->sale, options->host, options->port, status);
        exit(1);
    }
    options->seat_count = (int)json_array_size(seats);
    options->guids = bo_alloc((size_t)options->seat_count * sizeof(char *));
    json_array_foreach(seats, i, seat) options->guids[i] = bo_strdup(json_string_value(json_array_get(seat, 0)));
    options->by_guid = bo_alloc((size_t)options->seat_count * sizeof(int));
    for (i = 0; i < (size_t)options->seat_count; i++) options->by_guid[i] = (int)i;
    qsort_r(options->by_guid, (size_t)options->seat_count, sizeof(int), by_guid, options->guids);
    json_decref(plan);
    free(body);
}

void crowd_make_plan(struct crowd_options *options) {
    options->seat_count = 50000;
    options->guids = bo_alloc((size_t)options->seat_count * sizeof(char *));
    for (int i = 0; i < options->seat_count; i++) {
        char guid[16];
        snprintf(guid, sizeof(guid), "S-%d", i + 1);
        options->guids[i] = bo_strdup(guid);
    }
}

void crowd_free_plan(struct crowd_options *options) {
    for (int i = 0; i < options->seat_count; i++) free(options->guids[i]);
    free(options->guids);
    free(options->by_guid);
}
