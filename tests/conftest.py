"""What holds for all tests."""

from __future__ import annotations

import contextlib
import os
import signal
import warnings

import numpy as np
import pytest

with contextlib.suppress(ModuleNotFoundError):
    from hypothesis import settings

    # How long an example takes depends on who else works on the machine; pytest's own timeout ends what hangs.
    settings.register_profile("headwater", deadline=None)
    settings.load_profile("headwater")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts what goes into the background like this
    signal.signal(signal.SIGINT, signal.default_int_handler)


os.environ.pop("PYTHONUNBUFFERED", None)
"""Processes of tests print a line at once, or those that are killed may leave half of one."""


@pytest.fixture(autouse=True)
def one_secret_key(monkeypatch, request):
    """Give private learners one key instead of a random one, so that two that learn alike are alike."""
    if "random_keys" not in request.keywords:
        try:
            from headwater.kinds.private import engine
        except ModuleNotFoundError:  # test_deletion runs tests without it
            return
        monkeypatch.setattr(engine, "new_key", lambda: np.arange(32, dtype=np.uint8))


@pytest.fixture
def client(state):
    """A client of the server whose ``state`` the module makes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
        from starlette.testclient import TestClient

    from headwater.serve.app import build

    with TestClient(build(state)) as client:
        yield client
