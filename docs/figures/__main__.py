"""Draw the pictures that are named, or all of them."""

import sys

from . import FOLDER, PICTURES, svg

names = sys.argv[1:] or list(PICTURES)
if unknown := set(names) - set(PICTURES):
    sys.exit(f"expected names among {', '.join(PICTURES)}, got {', '.join(sorted(unknown))}")
FOLDER.mkdir(exist_ok=True)
for name in names:
    (FOLDER / f"{name}.svg").write_text(svg(name), encoding="utf-8")
print(f"{len(names)} pictures in {FOLDER}")
