/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/qr.h"

#include "base/memory.h"

#include <png.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define QUIET 4
#define PIXELS 8

static bool is_dark(const QRcode *code, int x, int y) { return code->data[y * code->width + x] & 1; }

int bo_qr_svg(const char *text, struct bo_buffer *out) {
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code) return BO_ERR_TOO_LARGE;
    int side = code->width + 2 * QUIET;
    bo_buffer_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
                          "<path fill=\"#000\" d=\"", side, side, side, side);
    for (int y = 0; y < code->width; y++)
        for (int x = 0, run; x < code->width; x += run + 1) {
            for (run = 0; x + run < code->width && is_dark(code, x + run, y);) run++;
            if (run) bo_buffer_printf(out, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, run, run);
        }
    bo_buffer_add_text(out, "\"/></svg>\n");
    QRcode_free(code);
    return 0;
}

int bo_qr_png(const char *text, struct bo_buffer *out) {
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code) return BO_ERR_TOO_LARGE;
    size_t side = (size_t)(code->width + 2 * QUIET) * PIXELS;
    unsigned char *pixels = bo_alloc(side * side);
    memset(pixels, 0xff, side * side);
    for (size_t y = 0; y < side; y++)
        for (size_t x = 0; x < side; x++) {
            int column = (int)(x / PIXELS) - QUIET, row = (int)(y / PIXELS) - QUIET;
            if (column >= 0 && row >= 0 && column < code->width && row < code->width && is_dark(code, column, row)) pixels[y * side + x] = 0;
        }
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)side, .height = (png_uint_32)side, .format = PNG_FORMAT_GRAY};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *png = bo_alloc(size);
    int good = png_image_write_to_memory(&image, png, &size, 0, pixels, 0, NULL);
    if (good) bo_buffer_add(out, png, size);
    free(png);
    free(pixels);
    QRcode_free(code);
    return good ? 0 : BO_ERR_INTERNAL;
}
