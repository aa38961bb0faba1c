"""``headwater dossier`` writes what a store or a model file shows of a model, as a page and as a PDF."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headwater.cli.options.shared import check_writable
from headwater.errors import ConfigError, did_you_mean
from headwater.learner.kind import kind_of

from .facts import Facts, collect
from .html import as_html
from .pdf import as_pdf, check_pdf
from .sections import sections_of
from .words import LAW, Language, Words

__all__ = ["dossier"]


def dossier(
    file: Path,
    /,
    *,
    out: Path | None = None,
    pdf: bool = False,
    language: Language = "en",
    model: str = "default",
    font: Annotated[Path | None, Parameter(metavar="FILE")] = None,
) -> int:
    """Write two pages about a store or a model file: declaration, limits, log, scores, drift, forgettings, exports and a proof.

    Exits with 1 if the journal gives another state than the kept one.

    Parameters
    ----------
    file
        The store, while no process has it open, or a model file. It isn't changed.
    out
        The page; FILE.dossier.html without it.
    pdf
        Write a PDF beside it too.
    language
        Language of the pages.
    model
        The model's name, of a store.
    font
        A TrueType font for the PDF; without it one is looked for where needed.
    """
    page = out or file.with_name(f"{file.name}.dossier.html")
    _check_place(page, file)
    if pdf:
        check_pdf()
    facts, say = collect(file, model), Words(language)
    whole = file.name if facts.store is None else say("of model", model=facts.store.model, file=file.name)
    noun = kind_of(facts.one).noun if language == "en" else type(facts.one).__name__
    title = say("title", file=file.name)
    when = say.day(int(datetime.now(UTC).timestamp() * 1000))
    lead = say("lead", one=noun.capitalize() if language == "en" else noun, file=whole, when=when)
    parts = (title, lead, say(LAW), sections_of(facts, say))
    written = {page: as_html(*parts, language).encode()}
    if pdf:
        written[page.with_suffix(".pdf")] = as_pdf(*parts, font)
    for path, data in written.items():
        path.write_bytes(data)
    print(f"{' and '.join(map(str, written))}: the dossier of {file}. {_verdict(facts)}")
    return 1 if facts.store is not None and facts.store.replayed.proof.differing else 0


def _check_place(page: Path, file: Path) -> None:
    """Raise before anything is learned again if the page can't be written, or would replace the file."""
    check_writable(page, "--out")
    if page.suffix != ".html":
        raise ConfigError(
            expected="a page FILE.html",
            got=str(page),
            at="--out",
            help=did_you_mean(page.suffix, [".html"]) or "Name it so.",
        )
    if page.exists() and file.exists() and os.path.samefile(page, file):
        raise ConfigError(
            expected="another file for the page", got="the store itself", at="--out", help="Name another."
        )


def _verdict(facts: Facts) -> str:
    if facts.store is None:
        return "A model file keeps no log."
    proof = facts.store.replayed.proof
    if proof.differing:
        return f"The journal gives another state at event {proof.differing[0]:,} than the kept one: it differs."
    if proof.until <= proof.base:
        return "There is no later state to reproduce."
    return f"The state at event {proof.until:,} was reproduced."
