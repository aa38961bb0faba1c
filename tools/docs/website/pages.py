"""Gather the pages of a language into a folder that Sphinx builds, with links that work on the site.

A document keeps the links that are right in the repository. Here each is turned to where its target stands on the site:
another page of the same language, or a page of the other language. What is no page of the site stays as words.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from forms import dark
from website import live, playground, reference

ROOT = Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1[`~]*\s*$", re.MULTILINE | re.DOTALL)
SWITCH = re.compile(
    r"^\[(中文|English|简体中文)\]\([^)]+\)\n\n", re.MULTILINE
)  # each page of the site has one at its top
PARTS = re.compile(
    r"(?P<still>(?<!`)(`+)(?!`).*?(?<!`)\2(?!`)|\$\$.*?\$\$|(?<!\\)\$[^$\n]+\$)"  # code and formulas
    r"|(?P<picture>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<where>[^()\s]+)\)"
    r'|(?P<img><img\b[^>]*?\bsrc=")(?P<src>[^"]+)"',
    re.DOTALL,
)
KEYWORDS = {
    "how-to/coverage": "confidence interval uncertainty error bars 置信 信区 区间",
    "14-certainty": "confidence interval uncertainty 置信 信区 区间",
    "how-to/deploy": "deploy production docker 部署 上线 生产",
    "how-to/operate": "monitoring prometheus grafana alerts metrics opentelemetry tracing logs health 监控 告警 日志",
    "how-to/threats": "security poisoning attack backdoor token 安全 投毒 攻击",
    "how-to/which-learner": "choose model kind 选择 哪个",
    "how-to/late-answers": "delayed labels feedback 延迟",
    "how-to/labels": "active learning annotation human labeling 主动学习 标注",
    "how-to/router": "llm gateway openai model routing cost budget 大模型 路由 成本",
    "how-to/device": "microcontroller embedded tinyml arduino stm32 cortex edge 微控 单片机 嵌入式 边缘",
    "how-to/versions": "semver stability deprecation compatibility upgrade api backwards 版本 兼容 升级 弃用",
    "how-to/correct": "residual adapter xgboost foundation model boosting 残差 修正",
    "how-to/costs": "imbalanced rare class threshold cost sensitive calibration class weight 不平衡 阈值 稀有 代价 校准",
    "how-to/stream-processors": "bytewax quix flink spark streaming kafka connect 流处理 流式",
    "how-to/feature-store": "feast online store lookup 特征平台 特征存储 在线",
    "how-to/threads": "thread asyncio async concurrency latency GIL p99 线程 异步 并发 延迟",
    "how-to/rolling": "window aggregate velocity fraud feature store sliding count 滑动窗口 聚合 风控 欺诈",
    "how-to/warm-start": "history parquet batch pretrain backfill bootstrap cold start 冷启动 历史 预训练 热启动",
    "how-to/web": "browser page export 网页 导出",
}
"""Words by which readers look for a page that doesn't use them, by the end of its name."""

FIGURE = re.compile(r"^!\[(?P<words>[^\]]+)\]\((?P<where>[^()\s]+\.(?:svg|webp))\)$", re.MULTILINE)
"""A picture that has a line of its own: its words become a caption, a dark page shows its dark form, and in a chapter a live
figure of its name stands below it."""
CHAPTER = re.compile(r"/\d\d-[\w-]+\.md$")
CARDS = re.compile(r"^<!-- cards -->$", re.MULTILINE)
"""Stands before a list whose entries the site shows as cards."""

ENGLISH = {
    "README.md": "overview",
    "ARCHITECTURE.md": "architecture",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    "benchmarks/README.md": "benchmarks",
}
"""Documents outside docs/, by their page. Those in docs/ keep their path."""

ENGLISH_FOLDERS = ("docs/learn", "docs/how-to", "docs/decisions", "docs/formats", "docs")
"""Folders with English documents."""

CHINESE = {"docs/zh/home.md": "index", "docs/zh/README.md": "course"}
"""Chinese documents whose page has another name than they."""

FRONT = ("README.md", "index.md")
"""What the front page of a folder is called."""


@dataclass(slots=True)
class Site:
    """The pages of one language while they are gathered.

    Parameters
    ----------
    out
        The folder to write.
    prefix
        Where the language stands on the site: "" or "zh/".
    documents
        Page by document, for this language.
    others
        Page by document, for the other ones, with their prefix.
    dead
        Links of documents to what is not there; it grows.
    """

    out: Path
    prefix: str
    documents: dict[str, str]
    others: dict[str, str]
    dead: list[str] = field(default_factory=list)

    def gather(self) -> None:
        """Write all documents."""
        shutil.rmtree(self.out, ignore_errors=True)
        for document, page in self.documents.items():
            text = SWITCH.sub("", (ROOT / document).read_text(encoding="utf-8"), count=1)
            self.write(page, found_by(page) + self.relinked(text, document, page))

    def write(self, page: str, text: str) -> None:
        """Write a page, or append to it."""
        path = self.out / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(text)

    def relinked(self, text: str, document: str, page: str) -> str:
        """Return a document's text with its links turned to the site; code is left as it is."""

        def turned(match: re.Match[str]) -> str:
            if match["still"]:
                return match[0]
            if match["img"]:
                return f'{match["img"]}{self.image(document, match["src"], page)}"'
            if match["picture"]:
                return f"![{match['words']}]({self.image(document, match['where'], page)})"
            found = self.place(document, match["where"], page)
            if not found:
                return match["words"]  # a file of the repository, which the site doesn't hold
            # A page of the other language is no page of this build: a plain link, which the check of the result follows.
            other = ".html" in found and "://" not in found
            return f'<a href="{found}">{match["words"]}</a>' if other else f"[{match['words']}]({found})"

        text = self.repeated(text, page)
        text = outside(FENCE, CARDS.sub("{.cards}", text), lambda prose: self.figures(prose, document, page))
        return outside(FENCE, text, lambda prose: PARTS.sub(turned, prose))

    def repeated(self, text: str, page: str) -> str:
        """Return a home page with the playground, the first code and the table of accuracy, which README has."""
        readme = (ROOT / ("README.zh-CN.md" if self.prefix else "README.md")).read_text(encoding="utf-8")
        up = os.path.relpath(playground.PAGE, Path(self.prefix + page).parent)
        plays = f'<div class="playing" data-src="{up}" data-language="{"zh" if self.prefix else "en"}"></div>\n'
        code = re.search(r"```python\n.*?^```\n+```text\n.*?^```\n", readme, re.DOTALL | re.MULTILINE)
        table = re.search(r"<!-- bench:accuracy -->\n(.*?)<!-- /bench:accuracy -->", readme, re.DOTALL)
        install = re.search(r"^python -m pip install .*$", readme, re.MULTILINE)
        for marker, part in (("playground", plays), ("code", code), ("accuracy", table), ("install", install)):
            shown = part if isinstance(part, str) else part[part.re.groups] if part else ""
            shown = f"```sh\n{shown}\n```" if marker == "install" else shown
            text = text.replace(f"<!-- {marker} -->", shown)
        return text

    def figures(self, prose: str, document: str, page: str) -> str:
        """Return a text whose pictures with a line of their own are figures with a caption, for light and for dark pages."""

        def figure(match: re.Match[str]) -> str:
            words, light = match["words"], self.image(document, match["where"], page)
            other = self.dark_form(document, match["where"], light)
            lines = [directive(light, words, "only-light" if other else "")]
            lines += [directive(other, words, "only-dark")] if other else []
            name = live.FIGURES.get(Path(match["where"]).stem) if CHAPTER.search(document) else None
            return "\n\n".join(lines + ([f'<div class="live" data-live="{name}" hidden></div>'] if name else []))

        return FIGURE.sub(figure, prose)

    def dark_form(self, document: str, where: str, light: str) -> str:
        """Return where a picture's form for dark pages lies, after writing it; "" if it has none.

        A figure of the course is turned dark here. A photograph of a page has a second file, named `NAME.dark.webp`.
        """
        source, kind = ROOT / document, Path(where).suffix
        path = Path(os.path.normpath(source.parent / where))
        own = path.with_suffix(f".dark{kind}")
        out = self.out / Path("pictures") / own.relative_to(ROOT)
        if kind == ".svg" and path.is_file():
            out.write_text(dark(path.read_text(encoding="utf-8")), encoding="utf-8")
        elif own.is_file():
            shutil.copyfile(own, out)
        return str(Path(light).with_suffix(f".dark{kind}")) if out.is_file() else ""

    def place(self, document: str, where: str, page: str) -> str:
        """Return where a link of a document leads on the site."""
        path, hash_, anchor = where.partition("#")
        if re.match(r"[a-z]+:", where) or not path:
            return where
        target = Path(os.path.normpath((ROOT / document).parent / path)).relative_to(ROOT).as_posix()
        target = next(
            (t for t in (target, *(f"{target}/{it}" for it in FRONT)) if t in self.documents | self.others), target
        )
        here = Path(page).parent.as_posix()
        if target in ("examples", "docs/reference") and not self.prefix:
            return os.path.relpath("examples.md" if target == "examples" else "reference/index.md", here)
        if target == playground.SOURCE:
            return os.path.relpath(playground.PAGE, Path(self.prefix + page).parent) + hash_ + anchor
        if target in self.documents:
            return os.path.relpath(f"{self.documents[target]}.md", here) + hash_ + anchor
        if target in self.others:
            start = Path(self.prefix + page).parent.as_posix()
            return os.path.relpath(f"{self.others[target]}.html", start) + hash_ + anchor
        if not (ROOT / target).exists():
            self.dead.append(f"{document}: {where}")
            return where
        if target.startswith("examples/") and target.endswith(".py"):
            start = here if not self.prefix else Path(self.prefix + page).parent.as_posix()
            anchor = re.sub(r"[^\w-]", "", Path(target).name.lower())
            return f"{os.path.relpath('examples.md' if not self.prefix else 'examples.html', start)}#{anchor}"
        return ""

    def image(self, document: str, where: str, page: str) -> str:
        """Return where a picture of a document lies, after copying it."""
        if re.match(r"[a-z]+:", where):
            return where
        path = Path(os.path.normpath((ROOT / document).parent / where))
        if not path.is_file():
            self.dead.append(f"{document}: {where}")
            return where
        name = Path("pictures") / path.relative_to(ROOT)
        (self.out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self.out / name)
        return os.path.relpath(name, Path(page).parent)


def found_by(page: str) -> str:
    """Return the head of a page, with the words by which search finds it."""
    words = next((words for end, words in KEYWORDS.items() if page.endswith(end)), "")
    return f'---\nmyst:\n  html_meta:\n    keywords: "{", ".join(words.split())}"\n---\n\n' if words else ""


def directive(where: str, words: str, kind: str) -> str:
    """Return a figure with its caption in MyST's words; `kind` is for the theme, which hides what is for other pages."""
    options = [f":figclass: {kind}"] if kind else []
    return "\n".join([f"```{{figure}} {where}", f":alt: {words}", *options, "", words, "```"])


def outside(pattern: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Return a text with what lies between the matches of a pattern changed."""
    parts, end = [], 0
    for match in pattern.finditer(text):
        parts += [change(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*parts, change(text[end:])])


# ---- what there is in each language ---------------------------------------------------------------------------------


def documents(folder: str) -> list[str]:
    """Return the documents of a folder in order, its front page first."""
    paths = sorted((ROOT / folder).glob("*.md"), key=lambda path: (path.name not in FRONT, path.name))
    return [path.relative_to(ROOT).as_posix() for path in paths]


def english() -> dict[str, str]:
    """Return the English documents and their pages."""
    inside = [path for folder in ENGLISH_FOLDERS for path in documents(folder)]
    return ENGLISH | {it: paged(it.removeprefix("docs/")) for it in inside}


def chinese() -> dict[str, str]:
    """Return the Chinese documents and their pages, counted from zh/."""
    inside = [*documents("docs/zh"), *documents("docs/zh/how-to")]
    pages = {it: paged(it.removeprefix("docs/zh/")) for it in inside}
    return {"README.zh-CN.md": "overview"} | pages | CHINESE


def paged(name: str) -> str:
    """Return the page of a document: a folder's front page is its index."""
    path = Path(name)
    return str(path.with_name("index") if path.name in FRONT else path.with_suffix(""))


def title(document: str) -> str:
    """Return the first heading of a document."""
    return re.search(r"^# (.+)$", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE)[1]


def examples() -> str:
    """Return the page of the examples: the sentence of each, and its text."""
    parts = [
        "# Examples",
        "",
        "Each runs offline in seconds and prints the number that makes its point; all are tested.",
        "",
    ]
    for path in sorted((ROOT / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        head = ast.get_docstring(ast.parse(text)) or ""
        parts += [f"## {path.name}", "", head.partition("\n\n")[0], "", "```python", text.rstrip(), "```", ""]
    return "\n".join(parts)


def tree(caption: str, pages: list[str]) -> str:
    """Return a hidden table of contents, which the side bar shows."""
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def gather(out: Path) -> list[str]:
    """Write the sources of each language into a folder of its own, and return the languages.

    Raises
    ------
    FileNotFoundError
        With all links of the documents that lead to nothing.
    """
    en, zh = english(), chinese()
    sites = {"en": Site(out / "en", "", en, {it: f"zh/{page}" for it, page in zh.items()})}
    gather_english(sites["en"])
    if zh:
        sites["zh"] = Site(out / "zh", "zh/", zh, en)
        gather_chinese(sites["zh"])
    dead = [line for site in sites.values() for line in site.dead]
    if dead:
        raise FileNotFoundError("links that lead to nothing:\n" + "\n".join(dead))
    return [*sites]


def gather_english(site: Site) -> None:
    """Write the English pages, with the reference and the examples; guides come before the reference."""
    site.gather()
    for name, text in reference.pages().items():
        site.write(f"reference/{name}", text)
    site.write("examples", examples())
    for caption, pages in (
        ("Start", ["start", "gallery"]),
        ("Guides", [*below(site, "how-to/"), "examples"]),
        ("Course", below(site, "learn/")),
        ("Understand", ["principles", "architecture", "rooms", *below(site, "decisions/"), "promises"]),
        ("Proofs", ["how-good", "compatibility", "check", "platforms", "benchmarks"]),
        ("Look up", ["reference/index", *below(site, "formats/"), "overview", "changelog", "contributing"]),
    ):
        site.write("index", tree(caption, pages))


def gather_chinese(site: Site) -> None:
    """Write the Chinese pages."""
    site.gather()
    chapters = [page for page in site.documents.values() if re.match(r"\d\d-|article|origins|where-next", page)]
    for caption, pages in (
        ("开始", ["start", "gallery"]),
        ("指南", below(site, "how-to/")),
        ("课程", ["course", *chapters]),
        ("证据", ["how-good", "compatibility"]),
        ("查阅", ["glossary", "README <overview>"]),
    ):
        site.write("index", tree(caption, pages) if pages else "")


def below(site: Site, folder: str) -> list[str]:
    """Return the pages of a folder in order, its front page first."""
    return [page for page in site.documents.values() if page.startswith(folder)]
