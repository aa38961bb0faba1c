"""What the foreign suites of ``tools.docs.suites`` say, for the tests: what the page says and what is tested is one run's way."""

from __future__ import annotations

from functools import cache

from tools.docs.suites.foreign import SUITES, checks_of


@cache
def ran(name: str) -> list:
    """What each check of a suite said."""
    (suite,) = [suite for suite in SUITES if suite.name == name]
    return checks_of(suite)
