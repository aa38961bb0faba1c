"""``headwater export`` writes a folder that holds a model where Python is not: a page, or C sources for a small device."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options.model import load_model
from headwater.encode.vocabulary import COSINE, RAW
from headwater.errors import ConfigError
from headwater.interop.device import export_device
from headwater.learner.base import Learner
from headwater.learner.expiring import Expiring
from headwater.learner.kind import check_can
from headwater.store.learner_file import to_bytes
from headwater.store.web import LOADS, NAMES, OF_KINDS, has_view, note_score_of, note_seen, reduced
from headwater.store.web.export import MODEL, export_page

__all__ = ["export"]


def export(
    model: Path,
    folder: Path,
    /,
    *,
    web: bool = False,
    no_learning: bool = False,
    c: Annotated[bool, Parameter("--c", negative=())] = False,
    explain: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write a model as a page, or as C for a microcontroller, which goes on learning there.

    Parameters
    ----------
    model
        The model, as headwater learn has saved it, or a store.
    folder
        Where the files go. Of a page, any web server can give them out.
    web
        Write a page that predicts, explains and learns on the reader's device, in the words of the model's kind.
    no_learning
        Write a page that predicts and explains only: a smaller model, without what learning needs.
    c
        Write C sources that predict, learn and save on a microcontroller, to the same bits.
    explain
        Add to C sources what attributes a prediction to the columns. Pages have it anyway.
    """
    if web == c:
        raise ConfigError(
            expected="--web or --c",
            got="both" if web else "no form to export to",
            at="headwater export",
            help="Add --web for a page, or --c for a microcontroller.",
        )
    if c and no_learning:
        raise ConfigError(
            expected="--web with --no-learning",
            got="--c",
            at="headwater export",
            help="Leave it out: what a device does not call, its linker leaves out.",
        )
    if web and explain:
        raise ConfigError(
            expected="--c with --explain",
            got="--web",
            at="headwater export",
            help="Leave it out: a page explains anyway.",
        )
    learner = load_model(model) if c else _that_predicts(load_model(model), model, learns=not no_learning)
    check_can(learner, "web" if web else "device", at=str(model))
    _check_no_embeddings(learner, model)
    if c:
        return _sources(learner, folder, explain=explain)
    note_score_of(learner, model)
    note_seen(learner)
    return _page(learner, folder, learns=not no_learning)


def _that_predicts(learner: Any, model: Path, *, learns: bool) -> Any:
    """Return the learner of a page, of one that expires the one that predicts now.

    Raises
    ------
    ConfigError
        If it would go on learning there, and never expire.
    """
    if not isinstance(learner, Expiring):
        return learner
    if learns:
        raise ConfigError(
            expected="a learner that may keep what it learns, or --no-learning",
            got=repr(learner),
            at=str(model),
            help="Add --no-learning: the page has what predicts now, and does not learn.",
            code="kind",
        )
    return learner.learner


def _check_no_embeddings(learner: Learner, model: Path) -> None:
    """Raise ConfigError for a learner with columns of embeddings."""
    for column in {} if learner.engine is None else learner.engine.columns.values():
        if column.kind in (COSINE, RAW):
            raise ConfigError(
                expected="a model without embeddings",
                got=f"column {column.name!r}, which holds some",
                at=str(model),
                help="Serve it with headwater serve, or learn it with text=None, which makes numbered columns of lists.",
            )


def _page(learner: Learner, folder: Path, *, learns: bool) -> int:
    saved = to_bytes(learner)
    written = saved if learns else reduced(learner)
    kind, carries = learner.kind.name, bool(getattr(learner, "has_memory", False))
    names = export_page(written, folder, dtype=learner.dtype, learns=learns, kind=kind, carries=carries)
    total = sum((folder / name).stat().st_size for name in names)
    print(f"{folder}: a page in {len(names)} files, {_kilobytes(total)}. Try it: python -m http.server -d {folder}")
    print(_loaded(learner, folder, names, learns=learns))
    print(f"The model has {_kilobytes((folder / MODEL).stat().st_size)} there, {_kilobytes(len(saved))} in memory.")
    return 0


def _loaded(learner: Learner, folder: Path, names: list[str], *, learns: bool) -> str:
    """Say what a browser loads, first and later, as servers send it that pack with gzip."""
    sizes = {name: len(gzip.compress((folder / name).read_bytes())) for name in names}
    page = _sum(sizes, set(names) - {*NAMES, *OF_KINDS})
    if has_view(learner.kind.name):
        return f"A browser loads {_kilobytes(page + _sum(sizes, OF_KINDS))} as gzip sends it."
    predict, learn, explain = (set(LOADS[what]) for what in ("predict", "learn", "explain"))
    if getattr(learner, "has_memory", False):
        all_of_it = page + _sum(sizes, {"headwater.mjs", "predict.wasm"} | learn)
        return f"A browser loads {_kilobytes(all_of_it)} as gzip sends it, {_kilobytes(sizes['whole.mjs'])} more to say why."
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


def _sources(learner: Learner, folder: Path, *, explain: bool) -> int:
    sizes = export_device(learner, folder, explain=explain)
    print(f"{folder}: C sources. headwater.h says how they are called; try them here: make -C {folder}")
    print(
        f"The model takes {sizes['ram']:,} bytes of RAM beside its stack, and two areas of {sizes['flash']:,} bytes of flash "
        "for what it has learned."
    )
    return 0
