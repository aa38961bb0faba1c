"""Related series in service: rows carry their key, each key is asked, and what can't be is refused in a sentence."""

import json
import warnings

import pytest

import headwater as hw
from headwater.cli import main
from headwater.serve import run as server
from headwater.serve.app import build
from headwater.serve.run import make_state

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

SHOPS, WEEK = ("north", "south", "east"), (4.0, 5.0, 6.0, 7.0, 9.0, 14.0, 5.0)
OPTIONS = ("--task", "forecast", "--key", "shop", "--season", "7", "--horizon", "3", "--low", "0")
NO_KEY = "expected a text, a number or a boolean in shop, the fleet's key, got "


def made():
    return hw.Forecaster(horizon=3, season=7, low=0, key="shop")


def rows(days):
    return [{"x": {"shop": shop}, "y": 10.0**i * WEEK[day % 7]} for day in days for i, shop in enumerate(SHOPS)]


@pytest.fixture
def serve(tmp_path):
    """Return what serves the store of this test: a state and a client; all end with the test."""
    opened = []

    def serves(learner=None):
        state = make_state(tmp_path / "a.db")
        if learner is not None:
            state.service.change(state.service.models.create, "default", learner)
        client = TestClient(build(state), raise_server_exceptions=True)
        client.__enter__()
        opened.append((state, client))
        return state, client

    yield serves
    for state, client in opened[::-1]:
        client.__exit__(None, None, None)
        state.close()


@pytest.fixture
def client(serve):
    return serve(made())[1]


def taught(days):
    fleet = made()
    said = fleet.step_many([row["x"] for row in rows(days)], [row["y"] for row in rows(days)]).y_pred
    return fleet, said


def asked(client, **question):
    answer = client.post("/ask", json=question)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def test_rows_are_learned_and_asked_key_by_key_as_in_memory(client):
    fleet, said = taught(range(30))
    one = client.post("/learn", json=rows(range(30))[0]).json()
    many = client.post("/learn", json=rows(range(30))[1:60]).json()
    lines = client.post(
        "/learn",
        content="\n".join(map(json.dumps, rows(range(30))[60:])),
        headers={"content-type": "application/x-ndjson"},
    )
    told = [one, *many, *map(json.loads, lines.text.splitlines())]
    assert [row["y_pred"] for row in told] == said
    assert {type(row["y_pred"]) for row in told} == {float}
    predicted = client.post("/predict", json=[{"x": {"shop": shop}} for shop in (*SHOPS, "new")]).json()
    assert [row["y_pred"] for row in predicted] == [fleet.forecast(shop, 1)[0] for shop in (*SHOPS, "new")]
    found = asked(client, rows=[{"shop": "east"}, {"shop": "north"}], horizon=2, coverage=0.5)
    want = [(shop, h + 1, fleet.forecast(shop)[h]) for shop in ("east", "north") for h in (0, 1)]
    assert [(row["shop"], row["ahead"], row["y_pred"]) for row in found] == want
    ends = [end for shop in ("east", "north") for end in fleet.forecast_interval(shop, 2, coverage=0.5)]
    assert [(row["low"], row["high"]) for row in found] == ends


def test_a_key_never_seen_is_forecast_from_the_others_and_before_there_are_others_as_zero(client):
    assert [row["y_pred"] for row in asked(client, rows=[{"shop": "new"}])] == [0.0] * 3
    client.post("/learn", json=rows(range(30)))
    assert [row["y_pred"] for row in asked(client, rows=[{"shop": "new"}])] == taught(range(30))[0].forecast("new")
    assert len(client.get("/score").json()["worst"]) == 2


def test_scores_compare_each_series_with_its_own_past(client):
    client.post("/learn", json=rows(range(30)))
    scores = client.get("/models/default").json()["learners"][0]["scores"]
    record = hw.evaluate(made(), [(dict(row["x"]), row["y"]) for row in rows(range(30))]).record
    assert scores["n"] == 90
    for name in ("no-change", "season"):
        assert scores[name] == record.baselines[name]
    late = scores["window"]["season"]
    assert late == record.baselines["season"]
    assert scores["comparisons"][0]["overall"]["guesses"]["season"] == late["mae"] < scores["no-change"]["mae"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/learn", {"x": {}, "y": 4.0}, NO_KEY + "None"),
        ("/learn", {"x": {"shop": None}, "y": 4.0}, NO_KEY + "None"),
        ("/learn", {"x": {"shop": ["a"]}, "y": 4.0}, NO_KEY + "['a']"),
        ("/learn", [rows([0])[0], {"x": {}, "y": 4.0}], NO_KEY + "None"),
        ("/learn", {"x": {"shop": "north"}, "y": "much"}, "expected a number within ±1e+30, got 'much'"),
        ("/learn", {"x": {"shop": "north"}, "y": 4.0, "w": 2.0}, "expected a learner that weighs rows"),
        ("/predict", {"x": {}}, NO_KEY + "None"),
        ("/ask", {"rows": [{"shop": "north"}, {}]}, NO_KEY + "None"),
        ("/ask", {"rows": [{"shop": "north"}], "horizon": 4}, "expected a horizon of at most 3, got 4"),
        ("/ask", {"rows": [{"shop": "north"}], "horizon": 0}, "expected a whole number from 1 to 1,024, got 0"),
        ("/ask", {"horizon": 2}, "expected rows, got none"),
        ("/label", {"id": "a", "y": 1.0}, "expected a learner that takes answers that come late"),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_learned(client, path, body, said):
    client.post("/learn", json=rows(range(2)))
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)
    assert client.get("/models/default").json()["seq"] == 6


def test_the_open_inference_protocol_names_the_columns_that_rows_have(client):
    client.post("/learn", json=[{"x": {**row["x"], "price": 1.0}, "y": row["y"]} for row in rows(range(10))])
    about = client.get("/v2/models/default").json()
    assert [(one["name"], one["datatype"]) for one in about["inputs"]] == [("shop", "BYTES"), ("price", "FP64")]
    asked = {"inputs": [{"name": "shop", "shape": [2], "datatype": "BYTES", "data": ["north", "east"]}]}
    said = client.post("/v2/models/default/infer", json=asked).json()["outputs"][0]["data"]
    assert said == [
        row["y_pred"] for row in client.post("/predict", json=[{"x": {"shop": s}} for s in ("north", "east")]).json()
    ]


def test_a_forecast_without_a_key_says_how_a_key_is_asked(client):
    for answer in (client.get("/forecast"), client.post("/forecast", json={"xs": [{}]})):
        assert (answer.status_code, answer.json()["code"]) == (400, "kind")
        assert (
            'POST /ask with a row that holds it, such as {"rows": [{"shop": "north"}], "horizon": 7}.'
            in answer.json()["help"]
        )


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_restarted_server_goes_on_with_every_series_to_the_bit(serve, snapshot):
    state, client = serve(made())
    client.post("/learn", json=rows(range(20)))
    if snapshot:
        client.post("/snapshot")
    client.post("/learn", json=rows(range(20, 25)))
    before = client.get("/models/default").json()
    state.service._shut()  # as a crash does
    _, client = serve()
    after = client.get("/models/default").json()
    assert (after["seq"], after["learners"]) == (75, before["learners"])
    client.post("/learn", json=rows(range(25, 30)))
    fleet, _ = taught(range(30))
    for shop in (*SHOPS, "new"):
        assert [row["y_pred"] for row in asked(client, rows=[{"shop": shop}])] == fleet.forecast(shop)


def test_a_store_that_was_made_otherwise_than_the_options_say_is_told_and_goes_on(tmp_path, monkeypatch, capsys):
    def run(state, *, sock, **_):
        state.service.close()
        sock.close()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(server, "run", run)
    for options, said in (
        (OPTIONS, ""),
        (OPTIONS, ""),
        ((), ""),
        ((*OPTIONS[:2], "--key", "store"), "expected --key shop, as headwater.db was made with, got store — at --key."),
        (
            (*OPTIONS[:2], "--horizon", "4"),
            "expected --horizon 3, as headwater.db was made with, got 4 — at --horizon.",
        ),
        (("--task", "regress"), "expected --task forecast, as headwater.db was made with, got regress — at --task."),
        (("--fleet", "store"), "expected --fleet shop, as headwater.db was made with, got --fleet store — at --fleet."),
    ):
        assert main(["serve", "--port", "0", *options]) == 0
        assert capsys.readouterr().err == (said and f"default goes on as it is: {said}\n")
    assert main(["serve", "--port", "0", *OPTIONS, "--time", "date"]) == 2
    assert "Leave it out: send the rows of a series in the order of their times." in capsys.readouterr().err
