"""What a learner is made from: its settings, and how the settings of a net become what its engine is made of (``setup``).

``river_words`` makes a learner one of River's estimators without importing River.
"""

from .settings import Settings, documented, params_of, replaced, settings_of, shown

__all__ = ["Settings", "documented", "params_of", "replaced", "settings_of", "shown"]
