"""Render our chart without Helm: ``python -m tools.deploy.chart`` writes the plain manifests in deploy/kubernetes.

It reads as much of Go's templates as the chart has: values, ``quote``, ``toYaml``, ``nindent``, ``printf``, ``range`` and
``end``. Anything else raises, so a template that says more than this is noticed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "helm" / "headwater"
MANIFESTS = {"serving": None, "following": "following.yaml", "fleet": "fleet.yaml"}
"""Names of the plain manifests, each with the values it is made from."""
_TAG = re.compile(r"(?:\s*\{\{-|\{\{)\s*(.*?)\s*\}\}", re.DOTALL)
_RANGE = re.compile(r"range (?:(\$\w+), (\$\w+) := )?(\S+)")
_WORD = re.compile(r'"[^"]*"|\S+')
_HEAD = """# Written by python -m tools.deploy.chart from deploy/helm. Before it:
# kubectl create secret generic headwater-tokens --from-file=tokens
"""


def render(values: dict[str, Any], name: str = "headwater") -> list[dict[str, Any]]:
    """Return the manifests of a release."""
    scope = {"Values": values, "Release": {"Name": name}}
    texts = [path.read_text(encoding="utf-8") for path in sorted((CHART / "templates").glob("*.yaml"))]
    return [yaml.safe_load(_written(_parsed(text), scope, scope)) for text in texts]


def values_with(own: str | None) -> dict[str, Any]:
    """Return the chart's values, replaced by those of a file beside it."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return values if own is None else values | yaml.safe_load((DEPLOY / "helm" / own).read_text(encoding="utf-8"))


def _parsed(text: str) -> list[Any]:
    """Return a template as texts, expressions, and lists for what is repeated."""
    stack: list[list[Any]] = [[]]
    at = 0
    for tag in _TAG.finditer(text):
        stack[-1].append(("text", text[at : tag.start()]))
        at = tag.end()
        if tag[1] == "end":
            body = stack.pop()
            stack[-1][-1] = (*stack[-1][-1], body)
        elif loop := _RANGE.fullmatch(tag[1]):
            stack[-1].append(("range", loop))
            stack.append([])
        else:
            stack[-1].append(("value", tag[1]))
    stack[-1].append(("text", text[at:]))
    (whole,) = stack
    return whole


def _written(parts: list[Any], top: dict[str, Any], dot: Any) -> str:
    out = ""
    for kind, what, *body in parts:
        if kind == "text":
            out += what
        elif kind == "value":
            out += _value(what, top, dot)
        else:
            found = _looked_up(what[3], top, dot)
            pairs = found.items() if isinstance(found, dict) else enumerate(found)
            for key, value in pairs:
                own = top | ({what[1]: key, what[2]: value} if what[1] else {})
                out += _written(body[0], own, value)
    return out


def _value(expression: str, top: dict[str, Any], dot: Any) -> str:
    first, *pipes = expression.split(" | ")
    words = _WORD.findall(first)
    if words[0] == "printf":
        found: Any = json.loads(words[1]) % tuple(_looked_up(word, top, dot) for word in words[2:])
    elif words[0] == "toYaml":
        found = yaml.safe_dump(_looked_up(words[1], top, dot), sort_keys=False).rstrip()
    else:
        (word,) = words
        found = _looked_up(word, top, dot)
    for pipe in pipes:
        if pipe == "quote":
            found = json.dumps(str(found))
        elif pipe.startswith("nindent "):
            found = "".join(f"\n{' ' * int(pipe.split()[1])}{line}" for line in str(found).splitlines())
        else:
            raise ValueError(f"expected quote or nindent, got {pipe}. Say it in tools/deploy/chart.py too.")
    return str(found)


def _looked_up(word: str, top: dict[str, Any], dot: Any) -> Any:
    if word == ".":
        return dot
    if word.startswith("$"):
        return top[word]
    found: Any = top
    for name in word.removeprefix(".").split("."):
        found = found[name]
    return found


def written(values: str | None) -> str:
    """Return a file of plain manifests."""
    return _HEAD + "---\n".join(yaml.safe_dump(one, sort_keys=False) for one in render(values_with(values)))


if __name__ == "__main__":
    for name, values in MANIFESTS.items():
        (DEPLOY / "kubernetes" / f"{name}.yaml").write_text(written(values), encoding="utf-8")
        print(name, file=sys.stderr)
