"""Export a model as a web page that runs it in the browser, with the files of the JavaScript module."""

from headwater.store.web.export import export_page, has_view
from headwater.store.web.module import LOADS, NAMES, OF_KINDS, WORDS, module_folder, shared_folder
from headwater.store.web.reduced import reduced
from headwater.store.web.scored import note_score_of, note_seen

__all__ = [
    "LOADS",
    "NAMES",
    "OF_KINDS",
    "WORDS",
    "export_page",
    "has_view",
    "module_folder",
    "note_score_of",
    "note_seen",
    "shared_folder",
    "reduced",
]
