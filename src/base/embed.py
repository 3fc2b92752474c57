#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns files into one C table (see embed.h), so that the program needs no files beside it.

usage: embed.py OUTPUT.c TABLE FILE...
Lua files get their `--- include NAME` lines replaced by lua/lib/NAME.lua; every entry carries the SHA-1 of its bytes,
which for a script is the name EVALSHA knows it by.
"""
import hashlib
import os
import re
import sys


def content(path):
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".lua"):
        lib = os.path.join(os.path.dirname(path), "lib")
        data = re.sub(rb"^--- include (\w+)$", lambda m: content(os.path.join(lib, m[1].decode() + ".lua")), data, flags=re.M)
    return data


def literal(data):
    """A C string literal per line of at most 100 bytes."""
    out = []
    for i in range(0, len(data), 100):
        out.append('"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else "\\%03o" % b for b in data[i:i + 100]) + '"')
    return "\n    ".join(out) or '""'


def main(output, table, files):
    rows = []
    for path in sorted(files):
        data = content(path)
        name = os.path.basename(path)
        name = re.sub(r"\.(lua|sql)$", "", name)
        rows.append('{"%s", %d, "%s",\n    %s},' % (name, len(data), hashlib.sha1(data).hexdigest(), literal(data)))
    with open(output, "w") as f:
        f.write('#include "base/embed.h"\n\nconst struct bo_embedded %s[] = {\n%s\n{0}};\n' % (table, "\n".join(rows)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
