"""A key of its own for the forget lists of these tests."""

import pytest


@pytest.fixture(autouse=True)
def _key(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HEADWATER_FORGET_KEY", str(tmp_path_factory.mktemp("keys") / "forget.key"))
