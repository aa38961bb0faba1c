"""``headwater.mjs`` as one file: what the package contains, and what every page loads."""

from __future__ import annotations

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


def test_modules_stand_behind_those_that_they_import():
    ordered = []
    web.visit(web.JS / "headwater.mjs", ordered)
    assert len(ordered) == len(list(web.JS.rglob("*.mjs")))
    assert ordered[-1].name == "headwater.mjs"
    text = web.bundle()
    assert "import{" not in text
    assert "export async function load" in text
    assert "export{ConfigError,DataError,HeadwaterError,ModelFileError,TargetError};" in text
