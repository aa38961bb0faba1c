"""The reference leaves nothing out, the site's pages can be gathered, and what would be wrong with a site is found.

The site itself is built, strictly, by `make docs`; here are the parts that take no time.
"""

from __future__ import annotations

import contextlib
import html
import importlib
import inspect
import io
import re
from pathlib import Path

import pytest
from website import links, pages, reference

from headwater import nn
from headwater.errors import ConfigError
from headwater.kinds import KINDS
from headwater.learner.kind import ABILITIES, METHODS
from headwater.plain import ACTIVATIONS, LOSSES, RULES

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    *("nn", "encode", "streams", "explain", "diagnose", "plot", "plain", "errors", "types", "kinds.fleet"),
    *(f"route.{name}" for name in ("score", "drift", "verdict", "policies", "session", "evaluate")),
    *(f"interop.{name}" for name in ("check", "notebook", "sklearn", "loggers", "mlflow")),
    *(f"store.{name}" for name in ("learner_file", "durable")),
)
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$([^$\n]+)\$", re.DOTALL)


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return reference.pages()


def said_by(*command: str) -> str:
    """What the command line prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert importlib.import_module("headwater.cli.commands").run([*command]) == 0
    return said.getvalue()


def commands() -> list[tuple[str, ...]]:
    """Every command and command of a command, as the program's own help lists them."""
    found = []
    for name in re.findall(r"^│ (\w+) ", said_by("--help"), re.MULTILINE):
        found.append((name,))
        if "COMMAND" in said_by(name, "--help").splitlines()[0]:
            found += [(name, below) for below in re.findall(r"^│ (\w+) ", said_by(name, "--help"), re.MULTILINE)]
    return found


# ---- the reference --------------------------------------------------------------------------------------------------


def test_the_page_of_kinds_holds_every_field_and_what_to_do_instead_of_what_a_kind_can_not():
    page = reference.kinds_page()
    for kind in KINDS:
        part = page.partition(f"\n## {kind.name}\n")[2].partition("\n## ")[0]
        for field in (*kind.question.fields, *kind.response, *kind.answer.fields, *kind.explained):
            assert f"| `{field.name}` | {field.expected} |" in part
        for door in ABILITIES:
            assert kind.cannot(door) is None or kind.cannot(door) in part


def test_every_public_room_has_a_page(written):
    rooms = ROOT / "src/headwater"
    files = {path.stem: path for path in rooms.glob("*.py")} | {
        path.parent.name: path for path in rooms.glob("*/__init__.py")
    }
    public = {
        name for name, path in files.items() if re.search(r"^__all__", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert public - {"__init__", "cli", "kinds"} - written.keys() == set()
    assert set(ROOMS) <= written.keys()
    assert "serve.run" in written


@pytest.mark.parametrize("room", ["", *(f".{name}" for name in ROOMS)])
def test_every_public_name_appears(written, room):
    module = importlib.import_module(f"headwater{room}")
    page = written[room.removeprefix(".") or "headwater"]
    missing = [
        name for name in module.__all__ if f":: headwater{room}.{name}\n" not in page and f"{name}.md" not in page
    ]
    assert module.__all__
    assert missing == []


def test_what_a_kind_refuses_is_not_listed():
    for kind in KINDS:
        listed = reference.members(kind.cls)
        for method, ability in METHODS.items():
            assert (method in listed) == (ability in kind.can), f"{kind.name}.{method}"
            if ability not in kind.can:
                with pytest.raises(ConfigError, match="expected a learner that"):
                    getattr(kind.cls(), method)(*[ROOT / "m.onnx"][: method == "export_onnx"])


def test_every_method_of_every_public_class_appears(written):
    missing, seen = [], 0
    for room in reference.ROOMS:
        module = importlib.import_module(room.module)
        for name in room.public():
            thing = getattr(module, name)
            if not inspect.isclass(thing):
                continue
            home = reference.home(room, name)
            block = written[home.page].partition(f":: {home.module}.{name}\n")[2].partition("```")[0]
            listed = (
                set(re.findall(r"\w+", block.partition(":members:")[2].splitlines()[0]))
                if ":members:" in block
                else set()
            )
            seams = getattr(thing, "_seams", ())
            for method, value in vars(thing).items():
                if inspect.isfunction(value) and not method.startswith("_") and method not in seams:
                    seen += 1
                    missing += [f"{name}.{method}"] if method not in listed else []
    assert seen > 100
    assert missing == []


def test_every_command_and_option_appears(written):
    assert {("learn",), ("predict",), ("serve",), ("store", "check")} <= set(commands())
    missing, seen = [], 0
    for command in commands():
        title = f"headwater {' '.join(command)}\n"
        section = re.split(
            r"^#+ headwater ", written["cli"].partition(f"# {title}")[2], maxsplit=1, flags=re.MULTILINE
        )[0]
        assert section, title
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", said_by(*command, "--help"))) - {"--help", "--version"}
        seen += len(options)
        missing += [f"{title.strip()} {option}" for option in sorted(options) if option not in section]
    assert seen > 50
    assert missing == []


def test_every_layer_activation_loss_rule_schedule_and_initialiser_appears(written):
    page = written["names"]
    names = [f"nn.{name}" for name in nn.LAYERS] + [
        f"nn.{kind.__name__}" for kind in (*nn.OPTIMIZERS.values(), *nn.SCHEDULES)
    ]
    names += [*nn.ACTIVATIONS, *LOSSES, *RULES, *nn.OPTIMIZERS, *nn.INITIALIZERS]
    assert len(names) > 60
    assert [name for name in names if f"| `{name}` |" not in page and f"`{name}`" not in page] == []
    formulas = [row.formula for rows in (ACTIVATIONS, LOSSES, RULES) for row in rows.values()]
    assert [it for it in formulas if f"`{it.replace('|', chr(92) + '|')}`" not in page] == []


def test_every_address_of_the_server_appears(written):
    from headwater.serve.app import ADDRESSES

    assert [it.path for it in ADDRESSES if f"`{it.method} {it.path}`" not in written["http"]] == []


# ---- gathering ------------------------------------------------------------------------------------------------------


def test_gathered_pages_link_to_pages_that_were_gathered(tmp_path):
    languages = pages.gather(tmp_path)
    assert languages[0] == "en"
    dead, followed = [], 0
    for path in tmp_path.rglob("*.md"):
        prose = pages.outside(pages.FENCE, path.read_text(encoding="utf-8"), lambda text: text)
        for match in pages.PARTS.finditer(re.sub(pages.FENCE, "", prose)):
            where = (match["where"] or "").partition("#")[0]
            if where and "://" not in where:
                followed += 1
                dead += [] if (path.parent / where).exists() else [f"{path.relative_to(tmp_path)}: {where}"]
    assert followed > 100
    assert dead == []


def test_links_are_turned_and_code_is_left_alone(tmp_path):
    site = pages.Site(
        tmp_path, "", {"docs/a.md": "a", "docs/learn/01-x.md": "learn/01-x"}, {"docs/zh/01-x.md": "zh/01-x"}
    )
    text = "[`x`](learn/01-x.md#top) `[y](z)` $a[i](t)$ [far](https://example.org) [中](zh/01-x.md)\n```\n[q](r)\n```\n"
    turned = site.relinked(text, "docs/a.md", "a")
    assert turned == text.replace("[中](zh/01-x.md)", '<a href="zh/01-x.html">中</a>')
    assert site.relinked("[a](../a.md)", "docs/learn/01-x.md", "learn/01-x") == "[a](../a.md)"
    site.relinked("[a](nowhere.md)", "docs/a.md", "a")
    assert site.dead == ["docs/a.md: nowhere.md"]


def test_a_link_to_a_file_of_the_repository_is_words_and_one_to_an_example_leads_to_its_place(tmp_path):
    site = pages.Site(tmp_path, "", {"docs/a.md": "a"}, {})
    assert site.relinked("[f](../src/headwater/learner/base.py)", "docs/a.md", "a") == "f"
    turned = site.relinked("[f](../examples/28_forget.py)", "docs/a.md", "a")
    assert turned == "[f](examples.md#28_forgetpy)"
    site.relinked("[f](../src/headwater/nowhere.py)", "docs/a.md", "a")
    assert site.dead == ["docs/a.md: ../src/headwater/nowhere.py"]


@pytest.mark.parametrize("folder", ["learn", "zh", "how-to", "."])
def test_every_formula_of_the_documents_can_be_drawn(folder):
    mathml = pytest.importorskip("website.mathml").mathml
    for path in sorted((ROOT / "docs" / folder).glob("*.md")):
        text = re.sub(r"`[^`\n]*`", "", re.sub(pages.FENCE, "", path.read_text(encoding="utf-8")))
        for block, inline in FORMULA.findall(text):
            assert "<math" in mathml(block or inline), path


def test_formulas_become_what_browsers_draw():
    website = pytest.importorskip("website.mathml")
    assert "<mi>𝐰</mi>" in html.unescape(website.mathml(r"\mathbf{w}"))
    assert "<mi>𝜽</mi>" in website.mathml(r"\boldsymbol{\theta}")
    assert website.mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block").count("<mtr>") == 2
    with pytest.raises(website.ExtensionError, match="nosuch"):
        website.mathml(r"\nosuch x")


# ---- what Sphinx is told --------------------------------------------------------------------------------------------


def test_formulas_in_docstrings_are_no_markup():
    plain = pytest.importorskip("website.plain")
    lines = ["mean |p − y|, a*b and w_ with ``*x``", "", "*rest : int", "    One.", "", ">>> 2 * 3", "6"]
    said = plain.escaped(lines)
    assert said[0] == "mean \\|p − y\\|, a\\*b and w\\_ with ``*x``"
    assert said[2:] == lines[2:]
    assert plain.escaped(["a, b,", "c", "    As there."]) == ["a, b, c", "    As there."]


def test_chinese_is_searched_by_pairs():
    chinese = pytest.importorskip("website.chinese")
    assert chinese.Pairs({}).split("用 SGD 做梯度下降") == ["用", "SGD", "做梯", "梯度", "度下", "下降"]


# ---- following links ------------------------------------------------------------------------------------------------


def test_dead_links_dead_anchors_and_foreign_loads_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#here">b</a><a href="#top">t</a><a href="https://e.org">e</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"><img src="a.html"></p>')
    assert links.broken(tmp_path) == []
    (tmp_path / "c.html").write_text(
        '<a href="d.html"></a><a href="a.html#gone"></a><script src="https://cdn.example/x.js"></script>'
    )
    (tmp_path / "c.css").write_text("@import url('https://fonts.example/f.css');")
    assert links.broken(tmp_path) == [
        "c.html: d.html",
        "c.html: a.html#gone",
        "c.html: loads https://cdn.example/x.js",
        "c.css: loads https://fonts.example/f.css",
    ]
