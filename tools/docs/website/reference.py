"""The reference, from the library itself: a page for each public room, the tables of what has a string name, CLI, HTTP.

Nothing here builds HTML, so a test can ask in a second or two whether every name, command and option is there.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.kinds import KINDS
from headwater.learner.kind import ABILITIES, METHODS


@dataclass(frozen=True, slots=True)
class Room:
    """A public module: what its page is called, and what it holds where it has no ``__all__``."""

    module: str
    title: str
    names: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """The page's name."""
        return self.module.removeprefix("headwater.")

    def public(self) -> tuple[str, ...]:
        """Return the public names."""
        return self.names or tuple(importlib.import_module(self.module).__all__)


ROOMS = (
    Room("headwater", "Learners: `headwater`"),
    Room("headwater.nn", "Networks: `headwater.nn`"),
    Room("headwater.plain", "The principles in NumPy: `headwater.plain`"),
    Room("headwater.route.session", "The route: `headwater.route.session`"),
    Room("headwater.kinds.fleet", "One model a key: `headwater.kinds.fleet`"),
    Room("headwater.cluster.fleet", "A fleet over a cluster: `headwater.cluster.fleet`"),
    Room("headwater.route.evaluate", "Prequential evaluation: `headwater.route.evaluate`"),
    Room("headwater.streams", "Streams: `headwater.streams`"),
    Room("headwater.encode", "Names and values: `headwater.encode`"),
    Room("headwater.route.score", "Scores: `headwater.route.score`"),
    Room("headwater.route.drift", "Drift: `headwater.route.drift`"),
    Room("headwater.route.verdict", "The verdict: `headwater.route.verdict`"),
    Room("headwater.route.policies", "Answers to drift: `headwater.route.policies`"),
    Room("headwater.diagnose", "Diagnosis: `headwater.diagnose`"),
    Room("headwater.explain", "Explanation: `headwater.explain`"),
    Room("headwater.privacy", "Privacy: `headwater.privacy`"),
    Room("headwater.plot", "Figures: `headwater.plot`"),
    Room("headwater.interop.notebook", "Notebooks: `headwater.interop.notebook`"),
    Room("headwater.interop.sklearn", "scikit-learn: `headwater.interop.sklearn`"),
    Room("headwater.interop.loggers", "Loggers: `headwater.interop.loggers`"),
    Room("headwater.interop.mlflow", "MLflow: `headwater.interop.mlflow`"),
    Room("headwater.interop.device", "Microcontrollers: `headwater.interop.device`"),
    Room("headwater.interop.check", "The contract: `headwater.interop.check`"),
    Room("headwater.store.learner_file", "Files of learners: `headwater.store.learner_file`"),
    Room("headwater.store.durable", "Durable learners: `headwater.store.durable`"),
    Room(
        "headwater.store.service", "Stores: `headwater.store.service`", ("DurableLearner", "Limits", "RetentionPolicy")
    ),
    Room("headwater.serve.run", "Serving: `headwater.serve.run`", ("make_state", "run")),
    Room(
        "headwater.serve.http.limits",
        "Limits of a server: `headwater.serve.http.limits`",
        ("ServerLimits", "read_limits"),
    ),
    Room("headwater.cluster", "Several workers: `headwater.cluster`"),
    Room("headwater.errors", "Errors: `headwater.errors`"),
    Room("headwater.types", "Types: `headwater.types`"),
)


def pages() -> dict[str, str]:
    """Return the reference: the text of each page by its name."""
    written = {room.page: room_page(room) for room in ROOMS}
    written["names"] = names_page()
    written["kinds"] = kinds_page()
    written["cli"] = cli_page()
    written["http"] = http_page()
    written["index"] = index_page(written)
    return written


def index_page(written: Iterable[str]) -> str:
    """Return the front page of the reference."""
    order = ["kinds", "cli", "http", "names", *(room.page for room in ROOMS)]
    lines = ["# Reference", "", "Written from the docstrings, the tables and the parser of this version.", ""]
    for room in ROOMS:
        links = ", ".join(link(room, name) for name in room.public())
        lines += [f"- [{room.title}]({room.page}.md): {links}"]
    tree = ["```{toctree}", ":hidden:", "", *(page for page in order if page in written), "```"]
    return "\n".join([*lines, "", *tree, ""])


def link(room: Room, name: str) -> str:
    """Return a link to a public name: a room has a page of its own."""
    rooms = {other.module: other.page for other in ROOMS}
    path = target(room, name)
    return f"[`{name}`]({rooms[path]}.md)" if path in rooms else f"{{py:obj}}`{name} <{path}>`"


def target(room: Room, name: str) -> str:
    """Return the anchor of a public name."""
    return f"{home(room, name).module}.{name}"


def home(room: Room, name: str) -> Room:
    """Return the room whose page describes a public name: of a class that has several rooms and stands in none of them, the first."""
    thing = getattr(importlib.import_module(room.module), name)
    if not inspect.isclass(thing) or thing.__module__ == room.module:
        return room
    rooms = (one for one in ROOMS if name in one.public())
    return next((one for one in rooms if getattr(importlib.import_module(one.module), name) is thing), room)


# ---- one page a room ------------------------------------------------------------------------------------------------


def room_page(room: Room) -> str:
    """Return the page of a public module."""
    module = importlib.import_module(room.module)
    parts = [f"# {room.title}", "", directive("automodule", room.module, {"no-index": ""})]
    for name in room.public():
        parts += [f"## `{name}`", "", *entry(room, name, getattr(module, name)), ""]
    return "\n".join(parts)


def entry(room: Room, name: str, thing: Any) -> list[str]:
    """Return what stands under a public name."""
    path = target(room, name)
    if home(room, name) is not room:
        return [f"The same as {link(room, name)}.", ""]
    if inspect.isclass(thing) and not isinstance(thing, types.GenericAlias):
        options = {"members": ", ".join(members(thing)), "undoc-members": ""} | (
            {} if thing.__bases__ == (object,) else {"show-inheritance": ""}
        )
        return [directive("autoclass", path, options)]
    if inspect.isroutine(thing):
        return [directive("autofunction", path)]
    if inspect.ismodule(thing):
        return [f"A room of its own: [{thing.__name__}]({thing.__name__.removeprefix('headwater.')}.md).", ""]
    return constant(room, name, thing)


def members(thing: type) -> list[str]:
    """Return a class's public members that are written in this library, inherited ones too.

    What its kind refuses, and what is there for other rooms and not shown by completion, is left out.
    """
    own: dict[str, None] = {}
    seams = getattr(thing, "_seams", frozenset())
    can = next((kind.can for kind in KINDS if kind.cls is thing), METHODS.values())
    for base in thing.__mro__:
        if base.__module__.startswith("headwater"):
            for name, value in vars(base).items():
                if name.startswith("_") or not documented(value) or name in seams | fields(thing):
                    continue
                if METHODS.get(name) in {None, *can}:
                    own[name] = None
    return sorted(own)


def documented(value: object) -> bool:
    """Say whether a member is a method or a property."""
    return isinstance(value, property | classmethod | staticmethod | types.FunctionType)


def fields(thing: type) -> set[str]:
    """Return a dataclass's fields: its docstring tells them as parameters."""
    return set(getattr(thing, "__dataclass_fields__", ()))


def constant(room: Room, name: str, thing: Any) -> list[str]:
    """Return the entry of a constant or a type alias: its value, and the docstring below its assignment."""
    said = next(filter(None, (note(path, name) for path in sources(room))), "")
    values = thing if isinstance(thing, tuple | list | dict) and ADDRESS not in str(thing) else (thing,)
    shown = ", ".join(f"``{value_of(value)}``" for value in values)
    body = [f".. py:data:: {target(room, name)}", "", *(f"   {line}" for line in said.splitlines()), "", f"   {shown}"]
    return ["```{eval-rst}", *body, "```"]


ADDRESS = " at 0x"
"""Marks a place in memory, which differs from build to build and says nothing to a reader."""


def value_of(value: Any) -> str:
    """Return one value of a constant as it is written, or what a type alias stands for."""
    if inspect.isclass(value):
        return value.__name__
    if ADDRESS in str(value):  # an object without a text of its own
        return type(value).__name__
    return (
        repr(value)
        if isinstance(value, str | int | float)
        else re.sub(r"~|(typing|numpy|collections\.abc)\.", "", str(value))
    )


def sources(room: Room) -> list[Path]:
    """Return the files of a room."""
    path = Path(inspect.getfile(importlib.import_module(room.module)))
    return sorted(path.parent.glob("*.py")) if path.name == "__init__.py" else [path]


def note(path: Path, name: str) -> str:
    """Return the docstring below the assignment of a name in a file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for before, after in itertools.pairwise(body):
        targets = [before.target] if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [])
        assigned = any(isinstance(it, ast.Name) and it.id == name for it in targets)
        if assigned and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return inspect.cleandoc(str(after.value.value))
    return ""


def directive(kind: str, path: str, options: dict[str, str] | None = None) -> str:
    """Return an autodoc directive in a Markdown page."""
    lines = [f".. {kind}:: {path}", *(f"   :{key}: {value}".rstrip() for key, value in (options or {}).items())]
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


# ---- what has a string name -----------------------------------------------------------------------------------------


def names_page() -> str:
    """Return the tables of layers, activations, losses, update rules, schedules and initialisers."""
    from headwater import nn
    from headwater.plain import ACTIVATIONS, LOSSES, RULES

    parts = [
        "# Layers, activations, losses, rules: everything by its name",
        "",
        "These names are what settings, saved files and the command line say.",
        "Each table is written from the rows of `headwater.plain`, which the core is tested against.",
    ]
    parts += section(
        "Layers", [(f"`nn.{kind.__name__}`", first(kind)) for kind in nn.LAYERS.values()], "layer", "what it is"
    )
    rows = [(f"`{row.name}`", f"`{row.formula}`", row.source) for row in ACTIVATIONS.values()]
    parts += section("Activations", rows, "name", "formula", "source")
    rows = [(f"`{row.name}`", row.link, f"`{row.formula}`", row.source) for row in LOSSES.values()]
    parts += section("Losses", rows, "name", "link", "formula", "source")
    rules = {name: f"`nn.{kind.__name__}`" for name, kind in nn.OPTIMIZERS.items()}
    rows = [(f"`{row.name}`", rules[row.name], f"`{row.formula}`", row.source) for row in RULES.values()]
    parts += section("Update rules", rows, "name", "class", "formula", "source")
    rows = [(f"`nn.{kind.__name__}`", first(kind)) for kind in nn.SCHEDULES]
    parts += section("Schedules", rows, "class", "the step size at step t")
    rows = [(f"`{name}`", formula) for name, formula in nn.INITIALIZERS.items()]
    parts += section("Initialisers", rows, "name", "where the weights start")
    return "\n".join([*parts, ""])


def section(title: str, rows: Iterable[tuple[str, ...]], *head: str) -> list[str]:
    """Return a heading and a table."""
    lines = ["", f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def first(thing: Any) -> str:
    """Return the first line of a docstring."""
    return inspect.getdoc(thing).splitlines()[0]


# ---- kinds --------------------------------------------------------------------------------------------------------------


def kinds_page() -> str:
    """Return what each kind is asked, says, learns and can do, from its declaration."""
    intro = (
        "What a kind of learner is asked, what it says, what it learns, and what it can do. `model.ask`, `headwater predict`, "
        "`POST /ask`, MLflow's parameters and the server's schemas follow from these fields. What a kind can't do says what to do "
        "instead."
    )
    able = [(said, *("✓" if ability in kind.can else "–" for kind in KINDS)) for ability, said in ABILITIES.items()]
    lines = ["# Kinds", "", intro, *section("What each can do", able, "", *(kind.name for kind in KINDS))]
    for kind in KINDS:
        lines += ["", f"## {kind.name}", "", f"`headwater learn FILE --task {kind.word}` · `headwater.{kind.name}`"]
        for what, fields in (
            (f"It is asked: `{kind.question.name}`", kind.question.fields),
            ("It says", kind.response),
            ("It learns", kind.answer.fields),
            ("Explained beside the row", kind.explained),
        ):
            rows = [(f"`{one.name}`", one.expected, one.unit or "", one.doc) for one in fields]
            lines += _fields(what, rows)
        lines += ["", "What it can't do:", ""]
        lines += [f"- {ABILITIES[door]}: {kind.cannot(door)}" for door in ABILITIES if kind.cannot(door)]
    return "\n".join([*lines, ""])


def _fields(what: str, rows: list[tuple[str, ...]]) -> list[str]:
    """Return a table of fields under a heading of the third level, nothing where there are none."""
    return (
        [
            "#" + line if line.startswith("## ") else line
            for line in section(what, rows, "field", "type", "unit", "meaning")
        ]
        if rows
        else []
    )


# ---- the command line and HTTP --------------------------------------------------------------------------------------


def cli_page() -> str:
    """Return every command and option, from the parser that runs them."""
    parser = importlib.import_module("headwater.cli.commands")._app()
    text = parser.generate_docs(output_format="markdown")
    head, _, commands = text.partition("## Table of Contents")
    commands = commands[commands.index("\n## headwater ") :]
    head = head.replace("# headwater\n", "# The command `headwater`\n", 1)
    return head + commands.replace("**Parameters**:", "**Options**:").rstrip() + "\n"


def http_page() -> str:
    """Return the addresses of the server, from the table it serves."""
    from headwater.serve.app import ADDRESSES

    rows = [(f"`{it.method} {it.path}`", it.scope or "anyone", first(it.handler)) for it in ADDRESSES]
    intro = (
        "Every address of `headwater serve`. Bodies and answers are described at `/openapi.json` of a running server."
    )
    return "\n".join(["# HTTP", "", intro, *section("Addresses", rows, "address", "token", "what it does"), ""])
