"""``headwater export --web`` writes a folder with a page that shows a model and lets it learn."""

from __future__ import annotations

from pathlib import Path

from headwater.cli.options.model import load_model
from headwater.errors import ConfigError
from headwater.learner.kind import check_can
from headwater.store.learner_file import to_bytes
from headwater.store.web import export_page

__all__ = ["export"]


def export(model: Path, folder: Path, /, *, web: bool = False) -> int:
    """Write a model as a page that predicts, explains and learns on the reader's device.

    Parameters
    ----------
    model
        The model, as headwater learn has saved it.
    folder
        Where the page's files go. Any web server can give them out.
    web
        Write a page; no other form is known yet.
    """
    if not web:
        raise ConfigError(
            expected="--web", got="no form to export to", at="headwater export", help="Add --web for a page."
        )
    learner = load_model(model)
    check_can(learner, "web", at=str(model))
    names = export_page(to_bytes(learner), folder, dtype=learner.dtype)
    size = sum((folder / name).stat().st_size for name in names)
    print(f"{folder}: a page in {len(names)} files, {size / 1e3:,.0f} kB. Try it: python -m http.server -d {folder}")
    return 0
