"""Who holds a model is listed in docs/how-to/limits.md, and nobody holds it for long."""

import re
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import ClassVar

import pytest

from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.service.model import TicketLock
from support.siege.server import made, taught

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "limits.md"
MOST_S = 0.25
"""Of processor time, as the limit lock_s says."""


class Recorded(TicketLock):
    """A lock that notes the processor time for which each function holds it."""

    held: ClassVar = defaultdict(float)

    def __enter__(self):
        super().__enter__()
        self._note()

    def __exit__(self, *error):
        self._end()
        super().__exit__(*error)

    def take_now(self):
        taken = super().take_now()
        if taken:
            self._note()
        return taken

    def release(self):
        self._end()
        super().release()

    def _note(self):
        code = sys._getframe(2).f_code
        self._by = f"{Path(code.co_filename).stem}.{code.co_name}"
        self._began = time.thread_time()

    def _end(self):
        self.held[self._by] = max(self.held[self._by], time.thread_time() - self._began)


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setattr("headwater.store.service.model.TicketLock", Recorded)
    monkeypatch.setattr(Recorded, "held", defaultdict(float))
    state = make_state(tmp_path / "a.db")
    for name, learner in made().items():
        state.service.change(state.service.models.create, name, learner)
    for model in state.service.models.by_name.values():
        model.lock = Recorded()
    with TestClient(build(state)) as client:
        for path, rows in taught():
            assert client.post(path, json=rows).status_code == 200
        yield client, state
    state.close()


def listed():
    text = PAGE.read_text(encoding="utf-8")
    rows = text[text.index("## Who holds a model") :].split("\n## ")[0].splitlines()
    return {name for row in rows if row.startswith("| `") for name in re.findall(r"`(\w+\.\w+)`", row)}


def test_who_holds_a_model_is_listed_and_holds_it_for_a_moment(served):
    client, state = served
    wide = {f"n{i}": 1.0 for i in range(3000)}
    client.post("/learn", json=[{"x": {"a": i, **(wide if i == 3 else {})}, "y": "abc"[i % 3]} for i in range(300)])
    for name in made():
        for of in ("", "/score", "/score?key=m1", "/forecast?horizon=12", "/file", "/activations", "/importance"):
            client.get(f"/models/{name}{of}")
        x = {"a": 1, "k": "m1"}
        client.post(f"/models/{name}/explain", json={"x": x})
        client.post(f"/models/{name}/act", json={"x": x})
        client.post(f"/models/{name}/predict", json={"x": x, "keep": False})
        client.post(f"/models/{name}/predict", json=[{"x": x}] * 300)
    answer = client.post("/models/fleet/score", json=[{"x": {"k": f"m{i % 3}"}} for i in range(20_000)])
    assert (answer.status_code, len(answer.json())) == (200, 20_000)
    for path in ("/metrics", "/models"):
        assert client.get(path).status_code == 200
    assert client.post("/snapshot").status_code == 200
    state.histories.record()
    held = dict(Recorded.held)
    assert len(held) > 10
    assert held.keys() <= listed()
    assert {name: seconds for name, seconds in held.items() if seconds > MOST_S} == {}
    assert held["keys._locked_score"] < 0.02
