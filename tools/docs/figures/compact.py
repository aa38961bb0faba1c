"""Write matplotlib's SVG in a quarter of its bytes: places to a tenth of a point, styles as classes, short names.

A screen shows a point as one or two of its own: what moves by less than a tenth of it is not seen.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator
from itertools import count, groupby, product
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
CREATOR = ".//{*}creator//{*}title"
PLACES = {"M": 1, "L": 1, "Q": 2, "C": 3}
"""Places that a step of each of a path's commands has."""
FINE, COARSE = 100, 10
"""Parts of a point in which the mark of a series is drawn, which has a few points, and all else."""
FAMILY = re.compile(r"font-family:'DejaVu Sans'(,sans-serif)?;?")
SHEET = "*{stroke-linejoin:round;stroke-linecap:butt;font-family:'DejaVu Sans',sans-serif}"
SERIES = 4
"""Marks of one kind in a row from which they are drawn as the marks of a line: ten bytes each instead of forty."""


def compact(drawn: str) -> str:
    """Return a picture that looks the same."""
    root = ET.fromstring(drawn)
    about, creator = root.find(f"{SVG}metadata"), root.findtext(CREATOR)
    if about is not None:
        about.clear()
        about.tag, about.text = f"{SVG}desc", creator
    for element in root.iter():
        tidy(element)
    marks: dict[tuple[str, str], str] = {}
    for element in [*root.iter(f"{SVG}g")]:
        joined(element, marks)
    unwrapped(root)
    named(root)
    classed(root)
    ET.register_namespace("", SVG[1:-1])
    text = ET.tostring(root, encoding="unicode").replace(" />", "/>")
    return re.sub(r">(?=<(?:g|path|use|defs|style|desc)\b)", ">\n", text) + "\n"


def tidy(element: ET.Element) -> None:
    """Round the places of one element, and take out what isn't seen."""
    element.tail = None
    element.text = element.text if (element.text or "").strip() else None
    if LINK in element.attrib:
        element.set("href", element.attrib.pop(LINK))
    for name, value in [*element.attrib.items()]:
        if name == "d":
            element.set(name, path(value, FINE if "id" in element.attrib else COARSE))
        elif name in ("x", "y", "width", "height", "transform") and not value.endswith("pt"):
            element.set(name, re.sub(r"-?\d+\.\d+", lambda it: short(round(COARSE * float(it[0])), COARSE), value))
        elif name == "style":
            element.set(name, FAMILY.sub("", re.sub(r"([:;,]) (?:0(?=\.))?", r"\1", value)))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


# ---- paths ----------------------------------------------------------------------------------------------------------


def path(d: str, grain: int) -> str:
    """Return a path in steps of a `grain`-th of a point."""
    out, here, start = "", np.zeros(2, int), np.zeros(2, int)
    for command, places in runs(d, grain):
        if command == "Z":
            out, here = f"{out}z", start
            continue
        ends = np.vstack([here, places[:, -1]])
        out += command.lower() + numbers((places - ends[:-1, None]).ravel().tolist(), grain)
        here = ends[-1]
        start = here if command == "M" else start
    return out


def runs(d: str, grain: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each run of one command with its places; lines have no more corners than are seen."""
    commands = [
        (command.upper(), [float(it) for it in rest.split()])
        for command, rest in re.findall(r"([MLQCZz])([^MLQCZz]*)", d)
    ]
    here = np.zeros(2)
    for command, run in groupby(commands, lambda it: it[0]):
        if command == "Z":
            yield command, np.empty((0, 1, 2), np.int64)
            continue
        places = np.array([it for _, row in run for it in row]).reshape(-1, PLACES[command], 2)
        if command == "L":
            places = corners(np.vstack([here, places[:, 0]]), 1.5 / grain)[1:, None]
        here = places[-1, -1]
        yield command, np.rint(places * grain).astype(np.int64)


def corners(line: NDArray[np.float64], near: float) -> NDArray[np.float64]:
    """Return a line without the corners that lie that near to the line without them (Douglas and Peucker, 1973)."""
    kept, waiting = {0, len(line) - 1}, [(0, len(line) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        along, off = line[last] - line[first], line[first + 1 : last] - line[first]
        length = float(along @ along)
        share = np.clip(off @ along / length, 0, 1) if length else np.zeros(len(off))
        far = np.hypot(*(off - share[:, None] * along).T)
        if far.max() > near:
            middle = first + 1 + int(far.argmax())
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return line[sorted(kept)]


def short(number: int, grain: int) -> str:
    """Write a number of `grain`-ths."""
    sign, (whole, rest) = "-" if number < 0 else "", divmod(abs(number), grain)
    return f"{sign}{whole or ('' if rest else 0)}" + (f"{rest / grain:.2f}".rstrip("0")[1:] if rest else "")


def numbers(row: list[int], grain: int) -> str:
    """Write numbers with no more between them than parts them."""
    out = last = ""
    for number in row:
        text = short(number, grain)
        parted = not out or text[0] == "-" or (text[0] == "." and "." in last)
        out, last = out + ("" if parted else " ") + text, text
    return out


# ---- elements -------------------------------------------------------------------------------------------------------


def joined(group: ET.Element, marks: dict[tuple[str, str], str]) -> None:
    """Draw many marks of one kind as the marks of a line, from left to right, which makes its steps short."""
    uses = group.findall(f"{SVG}use")
    kinds = {(it.get("href", ""), it.get("style", "")) for it in uses}
    if len(uses) < SERIES or len(kinds) > 1:
        return
    (kind,) = kinds
    if kind not in marks:
        marks[kind] = f"marks-{len(marks)}"
        own = {"id": marks[kind], "overflow": "visible", "markerUnits": "userSpaceOnUse"}
        ET.SubElement(ET.SubElement(group, f"{SVG}marker", own), f"{SVG}use", {"href": kind[0], "style": kind[1]})
    places = np.unique([[round(COARSE * float(it.get(axis, 0))) for axis in "xy"] for it in uses], axis=0)
    for use in uses:
        group.remove(use)
    line = "m" + numbers(np.diff(places, axis=0, prepend=0).ravel().tolist(), COARSE)
    ET.SubElement(group, f"{SVG}path", {"d": line, "style": f"fill:none;marker:url(#{marks[kind]})"})


def unwrapped(parent: ET.Element) -> None:
    """Take out groups that say nothing of what is in them, and what draws nothing."""
    children = []
    for child in parent:
        unwrapped(child)
        kind = child.tag.removeprefix(SVG)
        if kind == "g":
            child.attrib.pop("id", None)
        empty = (kind in ("g", "defs") and not len(child)) or (kind == "path" and not child.get("d"))
        children += [] if empty else [*child] if kind == "g" and not child.attrib else [child]
    parent[:] = children


def letters() -> Iterator[str]:
    """Yield short names: a to z, then aa, ab and on."""
    return ("".join(it) for n in count(1) for it in product(string.ascii_lowercase, repeat=n))


def named(root: ET.Element) -> None:
    """Give what is referred to a short name, and nothing else a name."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', ET.tostring(root, encoding="unicode")))
    ids = [own for it in root.iter() if (own := it.get("id")) in used and own]
    names = dict(zip(ids, letters(), strict=False))
    for element in root.iter():
        own = names.get(element.attrib.pop("id", ""))
        if own:
            element.set("id", own)
        for key in {"href", "style", "clip-path"} & {*element.attrib}:
            value = re.sub(r"((?:^|url\()#)([^)]+)", lambda it: it[1] + names.get(it[2], it[2]), element.attrib[key])
            element.set(key, value)


def classed(root: ET.Element) -> None:
    """Write styles and clips once: as classes."""
    for element in root.iter():
        if clip := element.get("clip-path"):
            element.set("clip-path", f"clip-path:{clip}")
    keys = ("style", "clip-path")
    found = Counter(it.attrib[key] for it in root.iter() for key in keys if it.get(key))
    names = dict(zip((rule for rule, _ in found.most_common()), letters(), strict=False))
    for element in root.iter():
        if own := [names[rule] for key in keys if (rule := element.attrib.pop(key, ""))]:
            element.set("class", " ".join(own))
    del root.attrib["version"]
    for sheet in root.iter(f"{SVG}style"):
        sheet.attrib.clear()
        rules = [f".{name}{{{rule}}}" for rule, name in names.items()]
        sheet.text = "\n".join([SHEET, *rules])
