"""Follow every link of a built site, and find whatever would be fetched from elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
RELATIONS = {
    "stylesheet",
    "icon",
    "shortcut icon",
    "preload",
    "prefetch",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
}


@dataclass(slots=True)
class Page:
    """What stands in a page: its anchors, where it leads, what it loads."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)


class Reader(HTMLParser):
    """Read a page into a ``Page``."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.page.anchors |= {found[key] for key in ("id", "name") if key in found}
        if tag == "a" and "href" in found:
            self.page.links.append(found["href"])
        if tag == "link" and found.get("rel") in RELATIONS:
            self.page.loads.append(found["href"])
        if LOADS.get(tag) in found:
            self.page.loads.append(found[LOADS[tag]])


@cache
def read(path: Path) -> Page:
    """Return what stands in a page."""
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def broken(site: Path) -> list[str]:
    """Return each link that leads nowhere, and each thing that would be loaded from another host."""
    wrong = []
    for path in sorted(site.rglob("*.html")):
        page = read(path)
        wrong += [f"{path.relative_to(site)}: {href}" for href in page.links + page.loads if not leads(path, href)]
        wrong += [f"{path.relative_to(site)}: loads {href}" for href in page.loads if urlsplit(href).netloc]
    for path in sorted(site.rglob("*.css")):
        text = path.read_text(encoding="utf-8")
        wrong += [
            f"{path.relative_to(site)}: loads {it}"
            for it in re.findall(r"(?:url\(|@import )[\"']?((?:https?:)?//[^\"')]+)", text)
        ]
    return wrong


def leads(path: Path, href: str) -> bool:
    """Say whether a link of a page leads to a file, and to an anchor in it."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return parts.scheme in ("http", "https", "mailto", "data")
    target = path if not parts.path else Path(path.parent, unquote(parts.path)).resolve()
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    settings = "=" in anchor  # of the playground
    return not anchor or settings or target.suffix != ".html" or anchor in read(target).anchors
