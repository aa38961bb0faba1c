"""Rolling aggregates of kinds without a pool, on the command line and over HTTP."""

from __future__ import annotations

import copy
import pickle

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.learner.kind import kind_named
from headwater.store.learner_file import fingerprint, from_bytes, to_bytes

from .test_learners import ROLLING, rows


def decisions(X):
    return [("uv"[i % 2], float(i % 3 == 0), 0.5, ["u", "v"]) for i in range(len(X))]


def transitions(X):
    last = len(X) - 1
    return [
        {"action": i % 2, "reward": float(i % 3), "next": X[min(i + 1, last)], "terminated": i == last}
        for i in range(len(X))
    ]


def several(X):
    return [{"many": i % 3 == 0, "much": float(i % 7)} for i in range(len(X))]


KINDS = {
    "bandit": (lambda: hw.Bandit(seed=1, rolling=ROLLING), decisions),
    "agent": (lambda: hw.Agent(2, seed=1, rolling=ROLLING), transitions),
    "outputs": (lambda: hw.MultiOutput(seed=1, rolling=ROLLING), several),
}


def plain(X):
    """Rows as a regressor with the same aggregates counts them."""
    model = hw.Regressor(rolling=ROLLING)
    model.learn_many(X, [1.0] * len(X))
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_counts_each_row_once_and_reads_its_aggregates(kind):
    make, taught = KINDS[kind]
    X = rows(300)
    model = make()
    model.step_many(X, taught(X))
    assert model.rolling_counts_ == plain(X).rolling_counts_
    assert model.aggregates(X[-1]) == plain(X).aggregates(X[-1])
    assert {*X[-1], *ROLLING.columns} <= {feature["name"] for feature in model.describe()["features"]}
    before = fingerprint(model)
    model.predict_batch(X[:20])
    assert fingerprint(model) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("through", ["file", "pickle", "copy"])
def test_a_saved_learner_of_every_kind_goes_on_to_the_same_bits(kind, through):
    make, taught = KINDS[kind]
    X = rows(400)
    y, model = taught(X), make()
    model.step_many(X[:200], y[:200])
    ways = {
        "file": lambda: from_bytes(to_bytes(model), "m.hw"),
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "copy": lambda: copy.deepcopy(model),
    }
    other = ways[through]()
    assert repr(other) == repr(model)
    for one in (other, model):
        one.step_many(X[200:], y[200:])
    assert fingerprint(other) == fingerprint(model)
    assert other.rolling_counts_ == model.rolling_counts_ == plain(X).rolling_counts_


def test_rows_one_by_one_and_in_blocks_give_the_same_bits_with_several_outputs():
    X = rows(300)
    y, whole, one = several(X), hw.MultiOutput(seed=1, rolling=ROLLING), hw.MultiOutput(seed=1, rolling=ROLLING)
    y[5:8] = [{}, {"many": None}, {"much": float("nan")}]  # which teach nothing
    whole.learn_many(X, y)
    for x, label in zip(X, y, strict=True):
        one.predict_one(x)
        one.learn_one(x, label)
    assert fingerprint(whole) == fingerprint(one)
    assert whole.rolling_counts_["events"] == plain(X[:5] + X[8:]).rolling_counts_["events"]


def test_a_bandit_whose_actions_have_features_reads_the_same_aggregates_for_each():
    model = hw.Bandit(seed=1, rolling=ROLLING)
    X, offer = rows(200), {"u": {"price": 1.0}, "v": {"price": 2.0}}
    for x in X:
        action, p = model.act(x, offer)
        model.learn(x, action, float(action == "u"), p, offer)
    assert model.rolling_counts_ == plain(X).rolling_counts_
    full = {**X[-1], **model.aggregates(X[-1])}
    assert model.expected_rewards(full, offer) == model.expected_rewards(X[-1], offer)


def test_a_bandit_finds_the_action_that_the_last_hour_asks_for():
    stream = [{"card": i * i % 7, "at": 600.0 * (i // 40 * 20 + i % 40 // 4)} for i in range(2_800)]
    seen: dict[int, list[float]] = {}
    busy = []
    for x in stream:
        own = seen.setdefault(x["card"], [])
        own.append(x["at"])
        busy.append(sum(x["at"] - at <= 3600 for at in own) > 3)

    def earned(rolling):
        model, reward = hw.Bandit(seed=1, rolling=rolling), []
        for x, much in zip(stream, busy, strict=True):
            action, p = model.act(x, ["wait", "go"])
            reward.append(float((action == "go") == much))
            model.learn(x, action, reward[-1], p)
        return sum(reward[1_400:]) / 1_400

    assert earned(hw.Rolling("card", "at", over="1h", rows="count")) > earned(None) + 0.1


def test_the_next_state_of_an_agent_counts_the_state_before_it():
    model = hw.Agent(2, seed=1, rolling=hw.Rolling(None, "at", over="1h", rows="count"))
    read = []
    look = model._rolling.look
    model._rolling.look = lambda x: read.append(look(x)) or read[-1]
    for i in range(3):
        model.learn({"at": 60.0 * i}, 0, 1.0, {"at": 60.0 * (i + 1)})
    assert [x["rows count 1h"] for x in read] == [2.0, 3.0, 4.0]


def test_explanations_name_the_aggregates():
    X = rows(200)
    bandit, outputs, agent = (KINDS[kind][0]() for kind in ("bandit", "outputs", "agent"))
    bandit.step_many(X, decisions(X))
    outputs.step_many(X, several(X))
    agent.step_many(X, transitions(X))
    for why in (bandit.explain_one(X[-1]), outputs.explain_one(X[-1])["much"], agent.explain_one(X[-1], 1)):
        assert why.values["amount sum 24h"] == bandit.aggregates(X[-1])["amount sum 24h"]


def test_rows_ahead_are_read_as_if_those_before_them_had_entered_and_none_does():
    X = rows(60)
    model, other = plain(X[:30]), plain(X[:30])
    assert model.as_observed(X[30:]) == [other.observe(x) for x in X[30:]]
    assert model.rolling_counts_ == plain(X[:30]).rolling_counts_


def test_a_forecaster_says_why_it_has_none():
    with pytest.raises(ConfigError, match="rows of the times ahead are still to come"):
        kind_named("Forecaster").make({"rolling": ROLLING})


@pytest.mark.parametrize(
    ("text", "rolling"),
    [
        ("card@at", hw.Rolling("card", "at")),
        ("card@at:90s", hw.Rolling("card", "at", over=("90s",))),
        ("@at::count", hw.Rolling(None, "at", rows=("count",))),
        (
            "card@at:1h,24h:sum(amount),mean(amount),distinct(shop name),since",
            hw.Rolling(
                "card",
                "at",
                over=("1h", "24h"),
                of={"amount": ("sum", "mean"), "shop name": ("distinct",)},
                rows=("since",),
            ),
        ),
    ],
)
def test_a_text_says_what_is_aggregated(text, rolling):
    assert repr(hw.Rolling.parse(text)) == repr(rolling)


@pytest.mark.parametrize(
    "text", ["", "card", "card@", "card@at:1h:sum(amount):more", "card@at:1h:sum amount", "c@at:1x"]
)
def test_a_text_that_says_nothing_is_refused_in_one_sentence(text):
    with pytest.raises(ConfigError) as refused:
        hw.Rolling.parse(text)
    assert "Give e.g." in refused.value.help


def written(path, X):
    lines = ["card,at,amount,y", *(f"{x['card']},{x['at'].isoformat()},{x['amount']},{i % 5}" for i, x in enumerate(X))]
    path.write_text("\n".join(lines) + "\n")


def test_the_command_learns_with_aggregates_and_goes_on_with_them(tmp_path, capsys):
    X = rows(120)
    written(tmp_path / "a.csv", X[:80])
    written(tmp_path / "b.csv", X[80:])
    said = ["--target", "y", "--task", "regress", "--model", str(tmp_path / "m.hw")]
    spec = ["--rolling", "card@at:1h,24h:sum(amount)"]
    assert main(["learn", str(tmp_path / "a.csv"), *said, *spec]) == 0
    assert main(["learn", str(tmp_path / "b.csv"), *said, *spec]) == 0
    model = hw.load(tmp_path / "m.hw")
    assert model.rolling == hw.Rolling("card", "at", of={"amount": ("sum",)})
    assert model.rolling_counts_["events"] == 120
    assert "missing here" not in capsys.readouterr().out
    assert main(["learn", str(tmp_path / "b.csv"), *said, "--rolling", "card@at:1h"]) == 2
    assert "Leave the option out" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["card", "card@at:1x", "card@at:1h:foo(x)", "card@at:1h,1h", "@"])
def test_the_command_names_its_option_where_the_text_is_none(text, tmp_path, capsys):
    written(tmp_path / "a.csv", rows(80))
    assert main(["learn", str(tmp_path / "a.csv"), "--target", "y", "--rolling", text]) == 2
    error = capsys.readouterr().err
    assert " — at --rolling. " in error
    assert "of Rolling" not in error


@pytest.mark.parametrize("options", [["--anomalies"], ["--targets", "y,amount"]])
def test_the_command_takes_it_for_other_kinds_too(options, tmp_path):
    written(tmp_path / "a.csv", rows(80))
    model = tmp_path / "m.hw"
    assert main(["learn", str(tmp_path / "a.csv"), *options, "--model", str(model), "--rolling", "card@at:1h"]) == 0
    assert hw.load(model).rolling_counts_["events"] > 0
