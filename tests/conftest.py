"""What holds for all tests."""

from __future__ import annotations

import contextlib

with contextlib.suppress(ModuleNotFoundError):
    from hypothesis import settings

    # How long an example takes depends on who else works on the machine; pytest's own timeout ends what hangs.
    settings.register_profile("headwater", deadline=None)
    settings.load_profile("headwater")
