"""The rules of the house, read from the source with ``ast``. A failure lists the places and says what to do."""

from __future__ import annotations

import ast
import graphlib
import inspect
import io
import os
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from headwater.kinds import KINDS

# A room imports only from the steps above its own, and from its neighbours within the step, but never in a circle.
ORDER: tuple[tuple[str, ...], ...] = (
    ("types", "errors"),
    ("_core", "plain", "privacy"),
    ("streams",),
    ("encode",),
    ("nn",),
    ("learner",),
    ("route",),
    ("explain", "diagnose", "plot"),
    ("store",),
    ("kinds",),
    ("interop",),
    ("serve", "cluster", "cli"),
)
# A library on the left may be imported only below the path on the right, seen from src/headwater.
ONLY_IN = {"ray": "cluster/ray.py"}
NEVER_PICKLED = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
# What computes on a sample is the core in C; a second way would give other bits.
NEVER_COMPILED = {"numba", "llvmlite", "cffi", "cython", "ctypes", "jax"}
NOT_LOADED_AT_START = (
    *("river", "scipy", "sklearn", "torch", "ray"),
    *("matplotlib", "pandas", "polars", "pyarrow"),
)
# Words that name a kind, and the files beside the kinds' own that may still name one: they recognise foreign models.
TASKS = {kind.task for kind in KINDS}
LEARNERS = {kind.name for kind in KINDS}
MAY_ASK = {"interop/anybody.py", "interop/check/subject.py", "interop/river/__init__.py"}
# The same word for something else.
OTHER_WORDS = {
    "plot/series.py": "the legend of a line",
    "serve/background/history.py": "the name of an address whose time is measured",
    "streams/datasets/catalogue.py": "a column of River's Shuttle",
}
NOT_A_ROOM = re.compile(r"_*(utils?|helpers?|commons?|core|misc)")
THE_CORE = "nn/core/"  # here the word means something: core/, in C
# Rooms whose docstrings begin with a plain sentence; a room that is done joins them.
PLAIN_ENGLISH = (
    "cli", "cluster", "diagnose", "encode", "errors", "explain", "interop", "kinds", "learner", "nn", "plain", "plot",
    "privacy", "route", "serve", "store", "streams", "types",
)  # fmt: skip
CLAUSES = 0.05  # share of docstrings whose first paragraph may hold ; or :
# What dresses a kind for a foreign library stands in the kind's folder, and belongs to the room of dresses.
ADAPTER = re.compile(r"kinds/\w+/(sklearn|river)(/\w+)?\.py")
FUNCTION_LINES, NESTING, FILES, TOP = 40, 3, 12, 22
BUILT = {".so", ".pyd"}  # beside the sources where the extension is built
SOURCE = {".py", ".pyi", ".c", ".h", ".js", ".mjs", ".css", ".html"}

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "headwater"
RANK = {room: step for step, rooms in enumerate(ORDER) for room in rooms}
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCK = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def room(self) -> str:
        top = self.name.split("/")[0].removesuffix(".py")
        if ADAPTER.fullmatch(self.name):
            return "interop"
        return {"__init__": "", "__main__": "cli"}.get(top, top)

    @property
    def dotted(self) -> list[str]:
        """The package a relative import starts from, as names."""
        return ["headwater", *self.name.split("/")[:-1]]

    @cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source, str(self.path))))

    def at(self, node: ast.AST, what: str) -> str:
        return f"src/headwater/{self.name}:{getattr(node, 'lineno', 1)}: {what}"

    def imports(self) -> Iterator[tuple[ast.AST, str]]:
        """Every imported module by its full dotted name, wherever it stands: in a function, for types only."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self.dotted[: len(self.dotted) - node.level + 1] if node.level else []
                start = ".".join([*base, *([node.module] if node.module else [])])
                # `from headwater import nn` names the room in its last part.
                inner = [f".{alias.name}" if start == "headwater" else "" for alias in node.names]
                yield from ((node, start + name) for name in inner)
            elif isinstance(node, ast.Call) and name_of(node.func) in {"import_module", "__import__"}:
                yield from ((node, str(a.value)) for a in node.args[:1] if isinstance(a, ast.Constant))

    @property
    def dotted_name(self) -> str:
        """The module's name: ``headwater.route.drift``, and of a package's ``__init__`` the package's."""
        return ".".join(["headwater", *Path(self.name).with_suffix("").parts]).removesuffix(".__init__")

    def modules_imported(self) -> Iterator[tuple[ast.AST, str]]:
        """Every module of the package that is imported, wherever the import stands; of `from room import file` the file."""
        for node, name in self.imports():
            names = [f"{name}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
            inner = [full for full in names if full in NAMES]
            if name.startswith("headwater"):
                yield from ((node, full) for full in inner or [name] if full in NAMES and full != "headwater")

    def rooms_imported(self) -> Iterator[tuple[ast.AST, str]]:
        for node, name in self.imports():
            top, _, rest = name.partition(".")
            if top == "headwater":
                yield node, rest.split(".")[0]


MODULES = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
NAMES = {module.dotted_name for module in MODULES}


@pytest.fixture(scope="module", autouse=True)
def trees_end_with_the_file() -> Iterator[None]:
    """What the files were parsed into takes 138 MB, which a process of tests would keep to its end."""
    yield
    for module in MODULES:
        vars(module).pop("nodes", None)


def name_of(node: ast.expr | None) -> str:
    """Return the last name in ``a.b.name``, or '' for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    doc = function.body[0]
    return lines - ((doc.end_lineno or 0) - doc.lineno + 1)


def nesting(node: ast.AST) -> int:
    """Return how many blocks stand inside each other; `elif` continues its `if`, an inner function starts anew."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTION, ast.ClassDef)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        opens = isinstance(child, BLOCK) and not is_elif
        deepest = max(deepest, nesting(child) + opens)
    return deepest


def run_python(code: str) -> str:
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_stands_in_a_room_of_the_order():
    lost = [f"src/headwater/{m.name}" for m in MODULES if m.room and m.room not in RANK]
    assert lost == [], "give the room a place in ORDER, in ARCHITECTURE.md too"


def test_a_room_imports_only_from_rooms_above_it():
    wrong = [
        module.at(node, f"{module.room} imports {room or 'headwater itself'}")
        for module in MODULES
        if module.room
        for node, room in module.rooms_imported()
        if room != module.room and RANK.get(room, len(ORDER)) > RANK.get(module.room, -1)
    ]
    assert wrong == [], f"the order is {ORDER}"


def test_neighbouring_rooms_do_not_import_each_other_in_a_circle():
    edges = {(m.room, room) for m in MODULES for _, room in m.rooms_imported() if m.room and room != m.room}
    while grown := {(a, d) for a, b in edges for c, d in edges if b == c} - edges:
        edges |= grown
    assert sorted(a for a, b in edges if a == b) == [], "one of these rooms must give up its import"


def test_no_files_import_each_other_in_a_circle():
    graph = {m.dotted_name: {name for _, name in m.modules_imported()} - {m.dotted_name} for m in MODULES}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(f"one of these files must give up its import: {' → '.join(error.args[1])}") from None


def test_no_name_that_a_package_imports_lazily_is_that_of_a_module():
    """Once a module is imported, its package has it under its name, and the other thing of this name is never found."""
    packages, wrong = 0, []
    for module in MODULES:
        for node in module.nodes:
            if isinstance(node, ast.Call) and name_of(node.func) == "lazily":
                homes = ast.literal_eval(node.args[1])
                names = {name for own in homes.values() for name in own.split()}
                packages += 1
                wrong += [module.at(node, name) for name in names & {home.rpartition(".")[2] for home in homes}]
    assert packages > 8
    assert wrong == []


def test_nobody_else_imports_a_kind_by_its_name():
    """Public names and short commands of a kind excepted; the list of kinds, and fleets of any kind, are what all may import."""
    wrong = [
        module.at(node, f"imports {name}")
        for module in MODULES
        for node, name in module.imports()
        if name.startswith("headwater.kinds.")
        and not name.startswith("headwater.kinds.fleet")
        and module.room not in ("kinds", "")
        and not module.name.startswith(("kinds/", "cli/short/"))
    ]
    assert wrong == [], "ask the declaration (learner/kind.py): what a kind can, what it is asked, what it says"


def names_a_kind(module: Module) -> Iterator[ast.AST]:
    """Yield what names a kind: a task or a class in a string of its own, a learner's class, a kind looked up by its task."""
    said = {id(node.value) for node in module.nodes if isinstance(node, ast.Expr)}  # docstrings
    public = [
        node.value for node in module.nodes if isinstance(node, ast.Assign) and name_of(node.targets[0]) == "__all__"
    ]
    said |= {id(inner) for node in public for inner in ast.walk(node)}
    for node in module.nodes:
        if isinstance(node, ast.Constant):
            found = isinstance(node.value, str) and node.value in TASKS | LEARNERS and id(node) not in said
        elif isinstance(node, ast.Call):
            called = name_of(node.func) in {"kind_with", "kind_named"}
            found = called and any(isinstance(one, ast.Constant) for one in node.args)
        else:
            named = node.name if isinstance(node, ast.alias) else name_of(node) if isinstance(node, ast.expr) else ""
            found = named.rpartition(".")[2] in LEARNERS
        if found:
            yield node


def test_nobody_else_asks_which_kind_this_is():
    """A fact about a kind is in its declaration; what is listed above says so of a foreign library's models."""
    found = {
        module.name
        for module in MODULES
        if module.room not in ("kinds", "plain", "")
        and not module.name.startswith(("kinds/", "cli/short/"))
        and any(names_a_kind(module))
    }
    assert sorted(found - MAY_ASK - OTHER_WORDS.keys()) == [], (
        "ask the declaration: kind.can, .question, .response, .answer"
    )
    assert sorted((MAY_ASK | OTHER_WORDS.keys()) - found) == [], "it asks no more: take it from the list"
    assert len(MAY_ASK) <= 3


@pytest.mark.parametrize(
    "line",
    [
        'if kind.task == "decide": pass',
        'WORDS = {"forecast": "series"}',
        'match task:\n    case "anomaly": pass',
        'kind = kind_with("regress")',
        "isinstance(learner, hw.Bandit)",
        "from headwater import Agent",
        'def read(task="classify"): pass',
    ],
)
def test_a_branch_on_a_kind_that_comes_back_is_found(tmp_path, line):
    path = tmp_path / "one.py"
    path.write_text(f'"""Docstrings may say "classify"."""\n{line}\n', encoding="utf-8")
    assert len(list(names_a_kind(Module(path)))) == 1 + ("kind_with" in line)
    path.write_text('"""classify"""\n__all__ = ["decide"]\nkind = kind_with(task)\n', encoding="utf-8")
    assert list(names_a_kind(Module(path))) == []


def test_a_library_with_a_room_of_its_own_is_imported_nowhere_else():
    wrong = [
        module.at(node, f"imports {name}, which belongs to {ONLY_IN[library]}")
        for module in MODULES
        for node, name in module.imports()
        if (library := name.split(".")[0]) in ONLY_IN and not module.name.startswith(ONLY_IN[library])
    ]
    assert wrong == []


def test_nothing_is_pickled():
    wrong = []
    for module in MODULES:
        wrong += [module.at(node, name) for node, name in module.imports() if name.split(".")[0] in NEVER_PICKLED]
        wrong += [
            module.at(node.value, "allow_pickle")
            for node in module.nodes
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
        ]
    assert wrong == [], "use safetensors, JSON or MessagePack"


def test_nothing_but_the_core_is_compiled():
    wrong = [m.at(node, name) for m in MODULES for node, name in m.imports() if name.split(".")[0] in NEVER_COMPILED]
    assert wrong == [], "what computes on a sample belongs into core/, in C"


def test_no_module_is_called_utils_or_the_like():
    names = [m.name for m in MODULES if not m.name.startswith(THE_CORE)]
    wrong = [name for name in names if any(map(NOT_A_ROOM.fullmatch, Path(name).with_suffix("").parts))]
    assert wrong == [], "name the file after what it holds"


def crowded(top: Path, dozen: int = FILES) -> list[str]:
    """Return the folders with more entries than fit one, files and folders alike, but for what is built or written by a run."""
    seen = [path for path in top.rglob("*") if not {"__pycache__", "node_modules"} & {*path.relative_to(top).parts}]
    entries = Counter(path.parent for path in seen if path.suffix not in BUILT)
    return [f"{folder}: {n} entries" for folder, n in sorted(entries.items()) if n > dozen]


def test_no_folder_of_the_sources_holds_more_than_a_dozen_entries():
    found = [place for top in ("core", "js", "src", "tools/build") for place in crowded(ROOT / top)]
    assert [place for place in found if not place.startswith(f"{PACKAGE}:")] == [], (
        "give some of them a folder, named by a noun"
    )


def test_the_package_has_few_rooms_at_its_top():
    entries = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__" and path.suffix not in BUILT}
    assert len(entries) <= TOP, sorted(entries)


def test_no_folder_of_the_tests_holds_more_than_a_dozen_source_files():
    files = [file for file in (ROOT / "tests").rglob("*") if file.suffix in SOURCE and not file.name.startswith("__")]
    assert [folder for folder, n in Counter(file.parent for file in files).items() if n > FILES] == []


def test_the_thirteenth_entry_of_a_folder_is_found(tmp_path):
    for name in ["__init__.py", "notes.txt", *(f"{i}.py" for i in range(FILES - 2)), "built.so"]:
        (tmp_path / name).touch()
    (tmp_path / "__pycache__").mkdir()
    assert crowded(tmp_path) == []
    (tmp_path / "room").mkdir()
    assert crowded(tmp_path) == [f"{tmp_path}: 13 entries"]


def test_functions_are_short():
    wrong = []
    for module in MODULES:
        for node in module.nodes:
            if isinstance(node, FUNCTION) and (lines := lines_without_docstring(node)) > FUNCTION_LINES:
                wrong.append(module.at(node, f"{node.name} has {lines} lines, at most {FUNCTION_LINES}"))
    assert wrong == []


def test_blocks_nest_at_most_three_deep():
    wrong = [
        module.at(node, f"{getattr(node, 'name', 'the module')} nests {depth} deep, at most {NESTING}")
        for module in MODULES
        for node in module.nodes
        if isinstance(node, (ast.Module, *FUNCTION)) and (depth := nesting(node)) > NESTING
    ]
    assert wrong == []


def test_source_never_asserts():
    wrong = [m.at(node, "assert") for m in MODULES for node in m.nodes if isinstance(node, ast.Assert)]
    assert wrong == [], "raise an error that says: expected X, got Y — at PATH. What to do."


def test_no_exception_is_swallowed():
    wrong = [m.at(node, ast.unparse(node).splitlines()[0]) for m in MODULES for node in m.nodes if swallows(node)]
    assert wrong == [], "name the exception and answer it, or say contextlib.suppress(ThatOne)"


def swallows(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or all(ast.unparse(line) in {"pass", "continue", "..."} for line in node.body)
    everything = {"Exception", "BaseException"}
    return (
        isinstance(node, ast.Call)
        and name_of(node.func) == "suppress"
        and bool({*map(name_of, node.args)} & everything)
    )


def test_no_work_is_left_as_a_note():
    note = re.compile(r"\b(TO" r"DO|FIX" r"ME|XXX|HACK)\b")  # noqa: ISC001 - split, so that this file passes
    written = ("*.py", "[!.]*/**/*.py")  # hidden folders hold environments and caches
    files = [p for top in ("src", "tests", "benchmarks", "examples") for w in written for p in (ROOT / top).glob(w)]
    wrong = [
        f"{path.relative_to(ROOT)}:{token.start[0]}: {token.string.strip()[:80]}"
        for path in files
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type in {tokenize.COMMENT, tokenize.STRING} and path != Path(__file__) and note.search(token.string)
    ]
    assert wrong == [], "do it, or open an issue"


def test_there_are_no_mixins_and_no_metaclasses():
    wrong = [
        module.at(node, f"class {node.name}")
        for module in MODULES
        for node in module.nodes
        if isinstance(node, ast.ClassDef)
        if "mixin" in node.name.lower()
        or "metaclass" in {keyword.arg for keyword in node.keywords}
        or {name_of(base) for base in node.bases} & {"type", "ABCMeta", "EnumMeta", "EnumType"}
    ]
    assert wrong == [], "write a function, or subclass abc.ABC"


def test_nothing_is_probed_with_hasattr():
    wrong = [m.at(node, "hasattr") for m in MODULES for node in m.nodes if getattr(node, "id", None) == "hasattr"]
    assert wrong == [], "ask for a type or a protocol"


def test_importing_headwater_loads_nothing_heavy_and_warns_of_nothing():
    loaded = run_python("import headwater, sys; print(*sys.modules)").split()
    heavy = []
    for name in NOT_LOADED_AT_START:
        if name.endswith(".*"):
            inner = name.removesuffix("*")
            heavy += [m for m in loaded if m.startswith(inner) and not m.startswith((f"{inner}_", f"{inner}version"))]
        else:
            heavy += [m for m in loaded if m == name]
    assert heavy == [], "import it inside the function that needs it"


def test_public_names_are_sorted_and_complete():
    import headwater

    public = list(getattr(headwater, "__all__", []))
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    imported = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    visible = {name for name in imported if not name.startswith("_") and name != "annotations"}
    assert public == sorted(set(public))
    assert visible - set(public) == set(), "public by import, not by __all__"


def first_paragraphs(module: Module) -> Iterator[str]:
    """Yield the first paragraph of each docstring, without its code spans."""
    for node in module.nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTION)) and (text := ast.get_docstring(node)):
            yield re.sub(r"``[^`]*``|`[^`]*`", "", text.split("\n\n")[0])


@pytest.mark.parametrize("room", PLAIN_ENGLISH)
def test_docstrings_begin_with_one_plain_sentence(room: str):
    """A semicolon or a colon in the first paragraph joins two thoughts; river, optax and polars have them in 1 %."""
    first = [(m.name, text) for m in MODULES if m.room == room for text in first_paragraphs(m)]
    joined = [f"{name}: {text}" for name, text in first if re.search("[;:]", text)]
    assert len(joined) <= CLAUSES * len(first), joined


def test_every_public_name_has_a_docstring_with_an_example():
    import headwater

    wrong = []
    for name in getattr(headwater, "__all__", []):
        thing = getattr(headwater, name)
        # A constant or a type alias has no docstring of its own.
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and ">>> " not in (thing.__doc__ or ""):
            wrong.append(f"{thing.__module__}.{name}")
    assert wrong == [], "the docstring needs an example that starts with >>>"


@pytest.fixture
def root(pytestconfig):
    """The conftest.py of all tests."""
    plugins = pytestconfig.pluginmanager.get_plugins()
    return next(one for one in plugins if getattr(one, "__file__", None) == str(ROOT / "conftest.py"))


def test_what_is_said_to_be_slow_is_there(root):
    assert len(root.SLOW) > 20
    assert [path for path in root.SLOW + root.LARGE if not (ROOT / path).exists()] == []


class Collected:
    """As much of a collected test as says in which file it is, and whether it is slow."""

    def __init__(self, path):
        self.path, self.marks = ROOT / path, []

    def add_marker(self, mark):
        self.marks.append(mark.name)

    def get_closest_marker(self, name):
        return name in self.marks or None


def test_slow_files_come_first_and_of_these_last_what_makes_a_worker_large(root):
    quick, large, slow, alone = (
        "tests/nn/test_errors.py",
        "tests/oracles/test_onnx.py",
        "tests/serve/test_page.py",
        "src/a.py",
    )
    items = [Collected(path) for path in (quick, large, slow, alone, slow)]
    root.pytest_collection_modifyitems(items)
    assert [item.path for item in items] == [ROOT / path for path in (slow, slow, large, alone, quick)]
    assert [item.marks for item in items] == [["slow"]] * 3 + [[]] * 2


def test_every_file_that_imports_a_large_library_goes_to_the_worker_that_has_it(root):
    calls = {"torch": r"\btorch\.(?:tensor|from_numpy|manual_seed|no_grad)\(", "ray": r"support\.processes\.nodes"}
    for library, call in calls.items():
        calling = [
            path.relative_to(ROOT).as_posix()
            for path in sorted((ROOT / "tests").rglob("test_*.py"))
            if re.search(call, path.read_text(encoding="utf-8"))
        ]
        assert len(calling) > 2
        assert {root.unit_of(path) for path in calling} == {library}
    assert root.unit_of("tests/nn/test_network.py") == "tests/nn/test_network.py"
