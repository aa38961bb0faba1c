"""``headwater export --web`` writes a folder with a page that shows a model and lets it learn."""

from __future__ import annotations

from pathlib import Path

from headwater.cli.options.model import load_model
from headwater.errors import ConfigError
from headwater.learner.kind import check_can
from headwater.store.learner_file import to_bytes
from headwater.store.web.export import MODEL, export_page

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
    saved = to_bytes(learner)
    sizes = {name: (folder / name).stat().st_size for name in export_page(saved, folder, dtype=learner.dtype)}
    own, all_of_them = sizes[MODEL], sum(sizes.values())
    print(
        f"{folder}: a page in {len(sizes)} files, {all_of_them / 1e3:,.0f} kB. Try it: python -m http.server -d {folder}"
    )
    print(f"{own / 1e3:,.0f} kB of them are the model, {len(saved) / 1e3:,.0f} kB in a browser's memory.")
    return 0
