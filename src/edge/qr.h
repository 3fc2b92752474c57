/* SPDX-License-Identifier: Apache-2.0
 * A text as a QR code (libqrencode), with the quiet zone of four modules that readers need (ISO/IEC 18004), black on white. */
#ifndef BO_EDGE_QR_H
#define BO_EDGE_QR_H

#include "base/buffer.h"
#include "boxoffice/error.h"

/* Adds the picture to out. BO_ERR_TOO_LARGE: more than a QR code holds at its level of correction (M, some 2,300 bytes). */
int bo_qr_svg(const char *text, struct bo_buffer *out) BO_CHECKED;
int bo_qr_png(const char *text, struct bo_buffer *out) BO_CHECKED; /* 8 pixels a module */

#endif
