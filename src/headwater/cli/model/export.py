"""``headwater export --web`` writes a folder with a page that shows a model and lets it learn."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from headwater.cli.options.model import load_model
from headwater.errors import ConfigError
from headwater.learner.base import Learner
from headwater.learner.kind import check_can
from headwater.store.learner_file import to_bytes
from headwater.store.web import LOADS, NAMES, reduced
from headwater.store.web.export import MODEL, export_page

__all__ = ["export"]


def export(model: Path, folder: Path, /, *, web: bool = False, no_learning: bool = False) -> int:
    """Write a model as a page that predicts, explains and learns on the reader's device.

    Parameters
    ----------
    model
        The model, as headwater learn has saved it.
    folder
        Where the page's files go. Any web server can give them out.
    web
        Write a page; no other form is known yet.
    no_learning
        Write a page that predicts and explains only: a smaller model, without what learning needs.
    """
    if not web:
        raise ConfigError(
            expected="--web", got="no form to export to", at="headwater export", help="Add --web for a page."
        )
    learner = load_model(model)
    check_can(learner, "web", at=str(model))
    saved = to_bytes(learner)
    written = reduced(learner) if no_learning else saved
    names = export_page(written, folder, dtype=learner.dtype, learns=not no_learning)
    total = sum((folder / name).stat().st_size for name in names)
    print(f"{folder}: a page in {len(names)} files, {_kilobytes(total)}. Try it: python -m http.server -d {folder}")
    print(_loaded(learner, folder, names, learns=not no_learning))
    print(f"The model has {_kilobytes((folder / MODEL).stat().st_size)} there, {_kilobytes(len(saved))} in memory.")
    return 0


def _loaded(learner: Learner, folder: Path, names: list[str], *, learns: bool) -> str:
    """Say what a browser loads, first and later, as servers send it that pack with gzip."""
    sizes = {name: len(gzip.compress((folder / name).read_bytes())) for name in names}
    page = _sum(sizes, set(names) - set(NAMES))
    predict, learn, explain = (set(LOADS[what]) for what in ("predict", "learn", "explain"))
    if _needs_whole(learner):
        return f"A browser loads {_kilobytes(page + _sum(sizes, {'headwater.mjs'} | explain))} as gzip sends it."
    first, later = _kilobytes(page + _sum(sizes, predict)), _kilobytes(_sum(sizes, explain))
    taught = f"{_kilobytes(_sum(sizes, learn))} more to learn, " if learns else ""
    return f"A browser loads {first} as gzip sends it to predict, {taught}{later} more to say why."


def _needs_whole(learner: Learner) -> bool:
    """Return whether the smaller builds of the core lack what a learner obviously needs: 64 bits, or words of texts."""
    columns = {} if learner.engine is None else learner.engine.columns
    return learner.dtype == "float64" or any(column.kind in ("words", "bigrams") for column in columns.values())


def _sum(sizes: dict[str, int], names: Iterable[str]) -> int:
    return sum(sizes[name] for name in names)


def _kilobytes(size: int) -> str:
    return f"{size / 1e3:,.0f} kB"
