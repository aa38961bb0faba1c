"""An agent as a graph: the value of each action and the best one, read where the agent itself reads them."""

from __future__ import annotations

import datetime as dt
import math
import random

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.kinds.agent import onnx as exporter
from headwater.plain.network.random import mix64
from headwater.store.learner_file import from_bytes, to_bytes
from headwater.store.onnx.export import onnx_model
from support.packages.imports import when_used
from support.packages.onnx_runs import CLOSE, about, feed, run

onnx = when_used("onnx")
READER, MEANS, TRIALS, SETTLED = 3, slice(10, 12), slice(8, 10), 5
"""Places in ``tile_numbers``."""


def mixed(i: int, r: random.Random) -> dict:
    """A state of numbers, categories, a date and gaps, with columns that appear late."""
    x = {
        "speed": r.gauss(50, 9) if r.random() < 0.95 else "off",
        "load": r.randint(0, 4),
        "mode": r.choice(["a", "b", "ü"]),
        "when": dt.datetime(2024, 1, 1) + dt.timedelta(hours=r.randint(0, 5000)),
        "same": 4.25,
    }
    if i > 200:
        x |= {"late": r.gauss(0, 1) ** 3, "kind": r.choice("xyz")}
    for name in r.sample([*x], r.choice([0, 0, 1, 2])) if i else ():
        x[name] = r.choice([None, float("nan")])
    return x


def numbers(i: int, r: random.Random) -> dict:
    """A small world of two numbers, of which one may be missing."""
    x = {"x0": r.uniform(-1, 1), "x1": r.gauss(0, 2)}
    return {"x0": x["x0"]} if i and r.random() < 0.05 else x


def ids(i: int, r: random.Random) -> dict:
    """A world of categories alone."""
    return {"room": f"s{r.randint(0, 9)}", "door": r.choice(["open", "shut"])}


def both(i: int, r: random.Random) -> dict:
    return numbers(i, r) | {"room": r.choice("abc")}


def taught(agent, world, steps=900, *, seed=1, length=20):
    """Let an agent act in a world, and stop in the middle of an episode, with traces that are alive."""
    r = random.Random(seed)
    x = world(0, r)
    for i in range(steps + length // 3):
        action = agent.act(x, explore=True)
        then = world(i + 1, r)
        size = float(np.sum(action)) if isinstance(action, np.ndarray) else float(str(action) in ("1", "go", "True"))
        reward = size * (x.get("x0") or 0.3) + 0.1 * r.gauss(0, 1)
        ends = i % length == length - 1
        agent.learn(x, action, reward, then, ends, False)
        x = then
    return agent


def asked(world, n=300):
    r = random.Random(99)
    odd = [{}, {"speed": math.inf, "load": -math.inf, "x0": math.inf}, {"speed": 1e9, "x0": 1e9, "x1": -1e300}]
    odd += [{"mode": "never seen", "room": "never seen", "kind": ""}, {"x0": -3.0, "x1": 40.0, "room": "b"}]
    return [world(10**6, r) for _ in range(n)] + odd


def check(agent, rows, *, close=CLOSE, extra=None, array=False, sent=None, **how):
    """Export, and compare both runtimes with the agent on these states; returns the graph."""
    graph = onnx_model(agent, array=array, **how)
    names = about(graph)["outputs"]
    actions = [agent.act(x, explore=False) for x in rows]
    for outputs in run(graph, sent or feed(agent, graph, rows) | (extra or {})):
        found = dict(zip(names, outputs, strict=True))
        if not agent.has_action_values:
            worth = np.array([agent.value(x) for x in rows])
            assert found["value"] == pytest.approx(worth, rel=0, abs=close * max(1.0, np.abs(worth).max()))
            if isinstance(actions[0], np.ndarray):
                assert found["action"].dtype == np.float32
                assert found["action"] == pytest.approx(np.array(actions), rel=0, abs=close)
                continue
        of = agent.values if agent.has_action_values else agent.policy
        wanted = np.array([list(of(x).values()) for x in rows])
        got = found["value" if agent.has_action_values else "probabilities"]
        assert got == pytest.approx(wanted, rel=0, abs=close * max(1.0, np.abs(wanted).max()))
        best = np.sort(wanted, axis=1)
        clear = best[:, -1] - best[:, -2] > 4 * close * max(1.0, np.abs(wanted).max())
        tied = best[:, -1] == best[:, -2]
        assert clear.mean() > 0.5
        told = zip(found["action"].tolist(), actions, clear | (tied & (wanted == 0).all(1)), strict=True)
        assert all(own == action and type(own) is type(action) for own, action, sure in told if sure)
    return graph


def by(agent, reader):
    """Let the better returns be those of the net or of the table."""
    numbers = agent.engine.core.array("tile_numbers")
    numbers[SETTLED], numbers[TRIALS] = 1, 5
    numbers[MEANS] = (1.0, 0.0) if reader == "net" else (0.0, 1.0)
    return agent


NETS = {
    "values": (lambda: hw.Agent(3, explore=400, seed=1), mixed),
    "values, float64": (lambda: hw.Agent(3, explore=400, seed=1, dtype="float64"), mixed),
    "adaptive": (lambda: hw.Agent(2, explore=400, seed=1, adaptive=True), mixed),
    "without a table": (lambda: hw.Agent(2, explore=400, seed=1, table=False), ids),
    "long traces": (lambda: hw.Agent(2, explore=0, epsilon=0.0, gamma=1.0, trace=1.0, seed=1, table=False), numbers),
    "a policy of names": (lambda: hw.Agent(("stay", "go"), method="ac", seed=1), mixed),
    "a policy of numbers": (lambda: hw.Agent(((-2.0, 2.0), (0.0, 10.0)), seed=1), numbers),
    "a policy without bounds": (lambda: hw.Agent(((-math.inf, math.inf),), seed=1, dtype="float64"), numbers),
}
TABLES = {
    "ids": (lambda: hw.Agent(("stay", "go"), explore=400, seed=1), ids, "table"),
    "tilings": (lambda: hw.Agent(3, explore=400, seed=1), numbers, "table"),
    "tilings beside a better net": (lambda: hw.Agent(3, explore=400, seed=1), numbers, "net"),
    "tilings and ids": (lambda: hw.Agent((True, False), explore=400, seed=1), both, "table"),
    "tilings, float64": (lambda: hw.Agent(3, explore=400, seed=1, dtype="float64"), numbers, "table"),
}


@pytest.mark.parametrize("name", NETS)
def test_the_values_and_the_best_action_are_the_nets(name):
    make, world = NETS[name]
    agent = taught(make(), world)
    assert agent.n_learned % 20 != 0
    graph = check(agent, asked(world))
    assert "agent time" in [entry.name for entry in graph.graph.input]
    assert len(graph.graph.output) == (3 if name == "a policy of names" else 2)


def test_after_a_million_states_the_statistics_move_as_the_cores():
    make, world = NETS["values"]
    agent = taught(make(), world)
    agent.engine.core.array("slot_seen")[:] = 2e6
    check(agent, asked(world))


@pytest.mark.parametrize("name", TABLES)
def test_the_values_and_the_best_action_are_those_of_the_better_of_net_and_table(name):
    make, world, reader = TABLES[name]
    agent = by(taught(make(), world), reader)
    graph = check(agent, asked(world))
    time = "agent time" in [entry.name for entry in graph.graph.input]
    assert time == (reader == "net"), "a table knows no time"
    assert np.ptp([list(agent.values(x).values()) for x in asked(world)]) > 0.1


def test_the_net_and_the_table_of_an_agent_say_different_things():
    make, world, _ = TABLES["tilings"]
    agent = taught(make(), world)
    says = [[list(by(agent, reader).values(x).values()) for x in asked(world)] for reader in ("net", "table")]
    assert np.abs(np.subtract(*says)).max() > 0.1


def test_a_client_may_say_how_long_the_episode_has_lasted():
    agent = hw.Agent(2, explore=0, seed=1, table=False)
    for i in range(600):
        agent.learn({"a": 1.0, "b": i % 3}, i % 2, float(i % 10) * (i % 2), {"a": 1.0, "b": 1.0}, i % 10 == 9)
    rows, said = [{"a": 1.0, "b": 2.0}], []
    for _ in range(5):
        graph = onnx_model(agent)
        steps = agent.engine.core.array("agent_numbers")[5]
        (left_out, _), _ = run(graph, feed(agent, graph, rows))
        (given, _), _ = run(graph, feed(agent, graph, rows) | {"agent time": np.array([[steps]])})
        assert given == pytest.approx(left_out, abs=1e-6)
        assert left_out[0] == pytest.approx(list(agent.values(rows[0]).values()), abs=1e-5)
        said.append(run(graph, feed(agent, graph, rows) | {"agent time": np.array([[9.0]])})[0][0])
        agent.learn(rows[0], 1, 0.0, rows[0])
    assert np.abs(said[0] - given).max() > 0.01


def test_observations_of_arrays_read_one_array():
    agent, r = hw.Agent(2, explore=100, seed=1), np.random.default_rng(0)
    for i in range(400):
        agent.learn(r.normal(size=5), i % 2, r.normal(), r.normal(size=5), i % 30 == 29)
    ask = r.normal(size=(200, 5))
    ask[r.random(ask.shape) < 0.1] = np.nan
    graph = check(agent, list(ask), array=True, sent={"X": ask})
    assert [entry.name for entry in graph.graph.input] == ["X", "agent time"]


def test_an_export_changes_nothing_and_a_loaded_agent_exports_the_same(tmp_path):
    for make, world in (NETS["values"], TABLES["tilings"][:2]):
        agent = taught(make(), world)
        before = to_bytes(agent)
        agent.export_onnx(tmp_path / "a.onnx")
        assert to_bytes(agent) == before
        from_bytes(before, "memory").export_onnx(tmp_path / "b.onnx")
        assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
        onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)


def test_the_keys_of_a_table_are_unmixed_to_what_they_were_mixed_of():
    x = np.random.default_rng(0).integers(0, 2**64, 1000, np.uint64)
    assert np.array_equal(exporter._unmixed(mix64(x)), x)


def test_an_agent_that_has_learned_nothing_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="expected a Agent that has learned, got one that has not"):
        hw.Agent(2).export_onnx(tmp_path / "m.onnx")


def test_a_table_with_more_rows_than_onnx_looks_up_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(exporter, "MOST_ROWS", 10)
    make, world, _ = TABLES["ids"]
    with pytest.raises(ConfigError, match=r"fewer than 10 rows.*table=False"):
        onnx_model(taught(make(), world))
