"""The learner on a page: ``headwater.mjs`` and ``headwater.wasm``, which the package contains, and a page around a model."""

from headwater.store.web.export import export_page
from headwater.store.web.module import NAMES, module_folder

__all__ = ["NAMES", "export_page", "module_folder"]
