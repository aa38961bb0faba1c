"""Draw the pictures that are named, or all of them, in both languages."""

import sys

from . import FOLDERS, PICTURES, forms, svg

names = sys.argv[1:] or list(PICTURES)
if unknown := set(names) - set(PICTURES):
    sys.exit(f"expected names among {', '.join(PICTURES)}, got {', '.join(sorted(unknown))}")
for folder in FOLDERS.values():
    folder.mkdir(exist_ok=True)
for name in names:
    for path, text in forms(name, svg(name)).items():
        path.write_text(text, encoding="utf-8")
print(f"{len(names)} pictures in {' and '.join(map(str, FOLDERS.values()))}")
