"""``headwater.mjs`` as one file: what the package contains, and what every page loads."""

from __future__ import annotations

import re

import pytest
from tools.build import web


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("let a = 1; // why\nlet b = a + +a;\n", "let a=1;let b=a+ +a;\n"),
        ("/** What. */\nfunction f(x) {\n  return x / 2 / 3;\n}\n", "function f(x){return x/2/3;}\n"),
        ("const t = \"// no comment\", u = '/* none */';\n", "const t=\"// no comment\",u='/* none */';\n"),
        ("const r = /[/*]\\/ {2}/g.test(x);\n", "const r=/[/*]\\/ {2}/g.test(x);\n"),
        ("const t = `a  ${b + `}  ${c}`} //  d`;\n", "const t=`a  ${b + `}  ${c}`} //  d`;\n"),
        ("get code() {\n  return typeof x\n}\n", "get code(){return typeof x\n}\n"),
    ],
)
def test_only_what_a_program_does_not_need_is_left_out(given, left):
    assert web.squeezed(given) == left


def test_each_module_is_in_one_bundle_behind_those_that_it_imports():
    ordered = web.modules(web.JS / "whole.mjs")
    ordered += [
        path for name in (*web.MODULES, web.ALONE) for path in web.modules(web.JS / name) if path not in ordered
    ]
    assert len(ordered) == len(list(web.JS.rglob("*.mjs")))
    texts = web.bundles()
    assert list(texts) == ["headwater.mjs", "learn.mjs", "whole.mjs", "kinds.mjs"]
    for text, homes in zip(texts.values(), ([], ["headwater"], ["headwater", "learn"], []), strict=True):
        assert re.findall(r'(?:^|;|\n)import ?\{[^}]*\} ?from ?"\./(\w+)\.mjs"', text) == homes
    for name in ("load", "open"):
        assert re.search(rf"export async function {name}\b", texts["headwater.mjs"])


def test_a_file_that_is_the_same_is_not_written_again_while_a_page_may_read_it(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "bundles", lambda: {"kinds.mjs": "as before", "learn.mjs": "new"})
    kept, changed = tmp_path / "kinds.mjs", tmp_path / "learn.mjs"
    kept.write_text("as before")
    changed.write_text("of before")
    written = kept.stat().st_mtime_ns
    web.build(tmp_path, ())
    assert kept.stat().st_mtime_ns == written
    assert changed.read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"kinds.mjs", "learn.mjs"}
