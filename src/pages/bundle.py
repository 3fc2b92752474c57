#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns what browsers are served into one C table (see edge/pages.h), each also compressed.

usage: bundle.py OUTPUT.c FOLDER...     FOLDER: PATH or PATH=NAME, whose files are then called NAME/…
In .html files @VERSION@ becomes a name of all files together, so that what they refer to by it may be kept for ever, and @LANGUAGES@ the
languages there are words for (words/*.js).
"""
import gzip
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../base"))
from embed import literal  # noqa: E402

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


def collect(places):
    found = {}
    for place in places:
        path, _, name = place.partition("=")
        if os.path.isfile(path):
            found[name] = open(path, "rb").read()
            continue
        for folder, folders, files in os.walk(path):
            folders[:] = [f for f in folders if f != "node_modules"]
            for file in files:
                if os.path.splitext(file)[1] in TYPES:
                    whole = os.path.join(folder, file)
                    with open(whole, "rb") as f:
                        found[os.path.join(name, os.path.relpath(whole, path))] = f.read()
    return found


def main(output, places):
    found = collect(places)
    version = hashlib.sha1(b"".join(name.encode() + data for name, data in sorted(found.items()))).hexdigest()[:12]
    languages = " ".join(sorted(os.path.basename(name)[:-3] for name in found if name.startswith("words/")))
    rows = []
    for name, data in sorted(found.items()):
        if name.endswith(".html"):
            data = data.replace(b"@VERSION@", version.encode()).replace(b"@LANGUAGES@", languages.encode())
        packed = gzip.compress(data, 9, mtime=0)
        rows.append('{"%s", "%s", "\\"%s\\"", %d, %d,\n    %s,\n    %s},' % (name, TYPES[os.path.splitext(name)[1]], hashlib.sha1(data).hexdigest()[:20],
                                                                      len(data), len(packed), literal(data), literal(packed)))
    with open(output, "w") as f:
        f.write('#include "edge/pages.h"\n\nconst char bo_pages_version[] = "%s";\nconst struct bo_page bo_pages[] = {\n%s\n{0}};\n' % (version, "\n".join(rows)))


main(sys.argv[1], sys.argv[2:])
