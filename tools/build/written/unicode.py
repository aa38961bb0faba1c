"""What the core knows of Unicode, from Python's own tables.

``python -m tools.build.written.unicode > core/parts/text/unicode.h`` writes it.

Two lists: where characters of words begin and end, and which characters fold to which. Code points that are not assigned go
with those in front of them, which keeps the lists short.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator

HEAD = """/* What the core knows of Unicode {version}: written by tools/build/written/unicode.py.
 *
 * HW_WORD_BORDERS: from its first code point on characters belong to words (letters, marks, digits), from the next one on
 * they don't, and so on. HW_FOLDS: from first to last, every step-th folds to itself plus the difference. */
#include <stdint.h>
"""


def borders() -> list[int]:
    """Return where characters that belong to words begin, end, begin again, …, behind ASCII."""
    found, inside = [], False
    for c in range(0x80, 0x110000):
        kind = unicodedata.category(chr(c))
        if kind == "Cn":
            continue
        if (kind[0] in "LMN") != inside:
            inside = not inside
            found.append(c)
    return found


def folds() -> Iterator[tuple[int, int, int, int]]:
    """Yield stretches of characters behind ASCII that fold to one character: first, last, step, difference."""
    pairs = [(c, ord(f) - c) for c in range(0x80, 0x110000) if len(f := chr(c).casefold()) == 1 and ord(f) != c]
    i = 0
    while i < len(pairs):
        first, difference = pairs[i]
        j, step = i + 1, 1
        if j < len(pairs) and pairs[j][1] == difference and pairs[j][0] - first in (1, 2):
            step = pairs[j][0] - first
            while j < len(pairs) and pairs[j] == (pairs[j - 1][0] + step, difference):
                j += 1
        yield first, pairs[j - 1][0], step, difference
        i = j


def main() -> None:
    """Print the header."""
    lines = [HEAD.format(version=unicodedata.unidata_version), "static const uint32_t HW_WORD_BORDERS[] = {"]
    lines += [f"    0x{c:X}," for c in borders()]
    lines += ["};", "", "static const struct hw_fold {", "    uint32_t first, last;", "    int32_t step, difference;"]
    lines += ["} HW_FOLDS[] = {"]
    lines += [f"    {{0x{a:X}, 0x{b:X}, {step}, {d}}}," for a, b, step, d in folds()]
    sys.stdout.write("\n".join([*lines, "};", ""]))


if __name__ == "__main__":
    main()
