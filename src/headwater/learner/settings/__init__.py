"""Settings of learners and their conversion to an engine's declaration (``setup``).

``river_words`` makes a learner one of River's estimators without importing River.
"""

from .settings import Settings, documented, params_of, replaced, settings_of, shown, written_settings

__all__ = ["Settings", "documented", "params_of", "replaced", "settings_of", "shown", "written_settings"]
