"""Export a model as a web page that runs it in the browser, with the files of the JavaScript module."""

from headwater.store.web.export import export_page, has_view
from headwater.store.web.module import LOADS, NAMES, OF_KINDS, WORDS, module_folder, page_folder
from headwater.store.web.reduced import reduced

__all__ = ["LOADS", "NAMES", "OF_KINDS", "WORDS", "export_page", "has_view", "module_folder", "page_folder", "reduced"]
