"""Export a model as a web page that runs it in the browser, with the files of the JavaScript module."""

from headwater.store.web.export import export_page
from headwater.store.web.module import LOADS, NAMES, WORDS, module_folder, page_folder
from headwater.store.web.reduced import reduced

__all__ = ["LOADS", "NAMES", "WORDS", "export_page", "module_folder", "page_folder", "reduced"]
