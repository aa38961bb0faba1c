"""Export a model as a web page that runs it in the browser, with the files of the JavaScript module."""

from headwater.store.web.export import export_page
from headwater.store.web.module import NAMES, WORDS, module_folder, page_folder

__all__ = ["NAMES", "WORDS", "export_page", "module_folder", "page_folder"]
