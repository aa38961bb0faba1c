"""The playground as a page meets it: a small net of its own, run, stepped, changed, reset, within limits."""

import base64
import random
import warnings

import numpy as np
import pytest

from headwater.errors import DataError
from headwater.nn import ACTIVATIONS, OPTIMIZERS
from headwater.serve.app import ADDRESSES, build
from headwater.serve.play import Playgrounds
from headwater.serve.play_csv import BOX, read_table
from headwater.serve.play_data import DATA, DRIFTS, Stream
from headwater.serve.play_net import MOST_ROWS, Ground, choices
from headwater.serve.play_score import Scores
from headwater.serve.play_wish import FEATURES, SUITS, Play
from headwater.serve.run import make_hub

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

CSV = "width,note,height,kind\n" + "\n".join(
    f"{i % 7},text {i},{i % 5},{'big' if i % 7 + i % 5 > 5 else 'small'}" for i in range(100)
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    hub = make_hub(tmp_path_factory.mktemp("play") / "a.db", body_limit=2_000_000, body_s=1.0)
    yield hub
    hub.service.close()


@pytest.fixture(scope="module")
def client(hub):
    with TestClient(build(hub)) as client:
        yield client


def begun(client, **settings):
    answer = client.post("/play", json=settings)
    assert answer.status_code == 201, answer.text
    return f"/play/{answer.json()['id']}"


def run(client, at, rows):
    answer = client.post(f"{at}/run", json={"rows": rows})
    assert answer.status_code == 200, answer.text
    return answer.json()


def cells(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


# ---- over HTTP ------------------------------------------------------------------------------------------------------


def test_a_new_playground_shows_net_surface_and_units_before_it_has_learned(client):
    frame = client.post("/play", json={"hidden": [3, 2], "features": ["x1", "x2", "sin x1"]}).json()
    assert (frame["n"], frame["fresh"], frame["task"], frame["classes"]) == (0, True, "classify", ["A", "B"])
    assert [np.shape(layer["w"]) for layer in frame["layers"]] == [(3, 3), (3, 2), (2, 1)]
    assert [len(layer) for layer in frame["units"]] == [3, 2]
    assert len(cells(frame["surface"][0])) == 64 * 64
    assert {len(cells(unit)) for layer in frame["units"] for unit in layer} == {24 * 24}
    features = frame["choices"]["features"]
    first = cells(features["x1"]).reshape(24, 24)
    assert (np.diff(first.astype(int)) > 0).all()  # x1 grows to the right
    assert (first == first[0]).all()
    second = cells(features["x2"]).reshape(24, 24)
    assert (np.diff(second.astype(int), axis=0) < 0).all()  # and x2 upwards


def test_a_run_learns_until_the_net_beats_both_baselines(client):
    at = begun(client, data="circles")
    frame = run(client, at, 2000)
    assert frame["n"] == 2000
    assert len(frame["points"]) == 200
    assert frame["curve"][0][0] == 5
    assert frame["curve"][-1][0] == 2000
    net, prior, again = frame["scores"]["loss"]
    assert net < 0.25 * min(prior, again)
    assert frame["scores"]["accuracy"][0] > 0.9
    surface = cells(frame["surface"][0]).reshape(64, 64)
    assert surface[31:33, 31:33].min() > 200  # the inner circle is class B
    assert surface[12, 31] < 60  # the ring is class A


def test_only_what_is_new_is_sent_again(client):
    at = begun(client)
    run(client, at, 50)
    frame = run(client, at, 10)
    assert len(frame["points"]) == 10
    assert [point[0] for point in frame["curve"]] == [55, 60]
    assert not frame["fresh"]


def test_rows_one_by_one_and_in_one_go_give_the_same_net(client):
    one, many = begun(client, data="moons", drift="gradual"), begun(client, data="moons", drift="gradual")
    for _ in range(20):
        last = client.post(f"{one}/step").json()
    frame = run(client, many, 20)
    assert last["layers"] == frame["layers"]
    assert last["scores"] == frame["scores"]


def test_another_rule_or_step_keeps_the_weights_and_another_shape_begins_anew(client):
    at = begun(client, hidden=[4])
    before = run(client, at, 300)
    frame = client.post(f"{at}/change", json={"hidden": [4], "optimizer": "adam", "lr": 0.01, "l2": 0.001}).json()
    assert frame["layers"] == before["layers"]
    assert (frame["n"], frame["fresh"]) == (300, False)
    frame = client.post(f"{at}/change", json={"hidden": [4], "data": "xor", "dropout": 0.1}).json()
    assert frame["layers"] == before["layers"]
    assert frame["marks"] == [300]  # another concept from here on
    frame = client.post(f"{at}/change", json={"hidden": [5]}).json()
    assert (frame["n"], frame["fresh"], len(frame["layers"][0]["b"])) == (0, True, 5)
    run(client, at, 10)
    frame = client.post(f"{at}/change", json={"hidden": [5], "data": "plane"}).json()
    assert (frame["n"], frame["fresh"], frame["task"]) == (0, True, "regress")


def test_a_reset_gives_the_first_weights_and_the_first_points_again(client):
    at = begun(client, data="xor")
    first = run(client, at, 100)
    assert client.post(f"{at}/reset").json()["n"] == 0
    again = run(client, at, 100)
    assert again["layers"] == first["layers"]
    assert again["points"] == first["points"]


def test_a_csv_becomes_points_and_its_columns_can_be_chosen(client):
    at = begun(client, data="csv", csv=CSV)
    frame = run(client, at, 1500)
    assert frame["classes"] == ["big", "small"]
    assert frame["table"]["columns"] == ["width", "note", "height", "kind"]
    assert frame["table"]["chosen"] == ["width", "height", "kind"]
    assert frame["scores"]["accuracy"][0] > 0.9
    frame = client.post(f"{at}/change", json={"data": "csv", "columns": ["width", "height", "note"]})
    assert frame.status_code == 400
    assert "2 to 6 classes" in frame.json()["error"]
    assert run(client, at, 1)["n"] == 1501  # as it was
    frame = client.post(f"{at}/change", json={"data": "csv", "columns": ["height", "width", "kind"]}).json()
    assert frame["table"]["chosen"] == ["height", "width", "kind"]
    assert client.post("/play", json={"data": "csv"}).status_code == 400


def test_a_playground_can_be_ended_and_is_then_unknown(client):
    at = begun(client)
    assert client.request("DELETE", at).status_code == 200
    for method, path in (("POST", f"{at}/step"), ("POST", f"{at}/reset"), ("DELETE", at)):
        answer = client.request(method, path)
        assert answer.status_code == 404
        assert answer.json()["help"] == "Begin a new one: POST /play."


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"data": "cube"}, "moons"),
        ({"drift": "wild"}, "recurring"),
        ({"features": ["x3"]}, "x1"),
        ({"features": ["x1", "x1"]}, "twice"),
        ({"features": []}, "length"),
        ({"hidden": [9]}, "<= 8"),
        ({"hidden": [2] * 7}, "length"),
        ({"activation": "softmax"}, "relu"),
        ({"optimizer": "lucky"}, "adam"),
        ({"lr": 0}, "> 0"),
        ({"lr": 1e300}, "<= 10"),
        ({"dropout": 1}, "<= 0.9"),
        ({"l1": -1}, ">= 0"),
        ({"seed": -1}, ">= 0"),
        ({"every": 1}, ">= 50"),
        ({"noise": "much"}, "noise"),
        ({"csv": "a" * 1_000_001}, "length"),
        ({"data": "csv", "csv": "a,b\n1,2\n"}, "columns"),
        ({"data": "csv", "csv": "a,b,c\n1,2,x\n"}, "rows"),
        ({"data": "csv", "csv": "a,a,c\n1,2,x\n"}, "different"),
        ({"data": "csv", "csv": ""}, "CSV"),
        ({"data": "csv", "csv": "\x00\x01"}, "text"),
        ({"data": "csv", "csv": CSV, "columns": ["width", "width", "kind"]}, "different"),
        ({"data": "csv", "csv": CSV, "columns": ["width", "height", "none"]}, "none"),
        ({"depth": 3}, "unknown field"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(client, settings, word):
    answer = client.post("/play", json=settings)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "at", "help", "code"}
    assert word in answer.json()["error"] + answer.json()["at"]


@pytest.mark.parametrize("rows", [0, -1, MOST_ROWS + 1, 1.5, "many", None])
def test_a_request_learns_a_bounded_number_of_rows(client, rows):
    assert client.post(f"{begun(client)}/run", json={"rows": rows}).status_code == 400


def test_hostile_bodies_get_a_4xx_and_leave_the_playground_as_it_was(client):
    at = begun(client, hidden=[3])
    before = run(client, at, 30)["layers"]
    rng = random.Random(5)
    bodies = [b"", b"[]", b"null", b"[" * 9000, b'{"rows":1e400}', b'{"rows":', b'{"lr":NaN}', b'{"hidden":[[[]]]}']
    bodies += [bytes(rng.randrange(256) for _ in range(rng.randrange(200))) for _ in range(100)]
    for body in bodies:
        for path in ("/play", f"{at}/change", f"{at}/run", "/play/%00/run", "/play/" + "x" * 5000 + "/run"):
            assert 400 <= client.post(path, content=body).status_code < 500, (path, body)
    assert run(client, at, 1)["n"] == 31
    assert client.post(f"{at}/reset").json()["n"] == 0
    assert run(client, at, 30)["layers"] == before


def test_playing_needs_a_token_that_may_learn(tmp_path):
    hub = make_hub(tmp_path / "a.db", tokens={"r" * 20: "read", "l" * 20: "learn"})
    with TestClient(build(hub)) as client:
        assert client.post("/play", json={}).status_code == 401
        assert client.post("/play", json={}, headers={"authorization": "Bearer " + "r" * 20}).status_code == 403
        assert client.post("/play", json={}, headers={"authorization": "Bearer " + "l" * 20}).status_code == 201
        assert client.post("/play", json={}, headers={"origin": "http://elsewhere"}).status_code == 403
    assert {a.needs for a in ADDRESSES if a.path.startswith("/play")} == {"learn"}


def test_the_playground_unused_longest_makes_room():
    grounds, ground = Playgrounds(), Ground(Play())
    names = [grounds.add(ground) for _ in range(32)]
    grounds.remove(names[5])
    names[5] = grounds.add(ground)
    assert len({*names}) == 32
    grounds.add(ground)
    assert len(grounds) == 32
    with pytest.raises(DataError):
        grounds.remove(names[0])
    grounds.remove(names[1])


# ---- the four steps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["circles", "gaussians", "plane"])
def test_the_four_steps_say_what_the_net_did(data):
    ground = Ground(Play(data=data, hidden=(3, 2), lr=0.1))
    ground.run(50)
    before = ground.net.parameters.copy()
    said = ground.step()
    a = np.array(said["features"])
    for i, layer in enumerate(said["layers"]):
        z = a @ np.array(layer["w"]) + layer["b"]
        assert z == pytest.approx(layer["z"], abs=1e-4)
        last = i == len(said["layers"]) - 1
        out = z if last else np.tanh(z)
        assert out == pytest.approx(layer["a"], abs=1e-4)
        assert np.outer(a, layer["delta"]) == pytest.approx(np.array(layer["gw"]), abs=1e-4)
        assert np.array(layer["w"]) - 0.1 * np.array(layer["gw"]) == pytest.approx(np.array(layer["w_after"]), abs=1e-4)
        assert np.array(layer["b"]) - 0.1 * np.array(layer["delta"]) == pytest.approx(
            np.array(layer["b_after"]), abs=1e-4
        )
        a = out
    p, y = np.array(said["prediction"]), said["y"]
    if data == "plane":
        assert said["loss"] == pytest.approx((p[0] - y) ** 2, rel=1e-3)
    elif data == "circles":
        assert said["loss"] == pytest.approx(-np.log(p[0] if y else 1 - p[0]), rel=1e-3)
    else:
        assert said["loss"] == pytest.approx(-np.log(p[int(y)]), rel=1e-3)
        assert said["layers"][-1]["delta"] == pytest.approx((p - np.eye(3)[int(y)]).tolist(), abs=1e-4)
    assert said["loss_after"] < said["loss"]
    assert not said["undone"]
    assert not np.array_equal(before, ground.net.parameters)
    assert ground.n == 51


def test_the_gradient_shown_holds_the_penalty():
    ground = Ground(Play(hidden=(2,), l1=0.01, l2=0.1, lr=0.1))
    layer = (said := ground.step())["layers"][0]
    w = np.array(layer["w"])
    wanted = np.outer(said["features"], layer["delta"]) + 0.1 * w + 0.01 * np.sign(w)
    assert np.array(layer["gw"]) == pytest.approx(wanted, abs=1e-4)
    assert w - 0.1 * wanted == pytest.approx(np.array(layer["w_after"]), abs=1e-4)


@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize("data", ["moons", "hills"])
def test_every_rule_runs_steps_and_shows_finite_numbers_even_with_an_absurd_step_size(rule, data):
    for lr in (0.01, 10):
        ground = Ground(Play(data=data, optimizer=rule, lr=lr, hidden=(3,)))
        ground.run(300)
        said = ground.step()
        assert said["formulas"]["optimizer"]
        assert np.isfinite(np.array(ground.frame()["layers"][0]["w"], float)).all()


@pytest.mark.parametrize("rule", OPTIMIZERS)
def test_the_suggested_learning_rate_of_each_rule_learns(rule):
    ground = Ground(Play(optimizer=rule, lr=SUITS[rule]))
    ground.run(2000)
    net, prior, _ = ground.scores.now()["loss"]
    assert net < 0.5 * prior


def test_a_page_is_offered_all_there_is():
    offer = choices()
    assert {*offer["optimizers"]} == {*OPTIMIZERS}
    assert {*offer["activations"]} == {*ACTIVATIONS}
    assert {*offer["features"]} == {*FEATURES}
    assert {name: data["classes"] for name, data in offer["data"].items()}["gaussians"] == 3
    assert np.shape(offer["data"]["xor"]["points"]) == (120, 3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_shown_as_the_net_computes_it(activation):
    ground = Ground(Play(activation=activation, hidden=(3, 2), dropout=0.2))
    ground.run(40)
    x = ground._features(ground.stream.take(5, 0)[0])
    values = ground._values(x)
    assert 1 / (1 + np.exp(-values[-1])) == pytest.approx(ground.net.forward(x), abs=1e-5)
    assert [values[a].shape[1] for _, a in ground._ends()] == [3, 2, 1]
    assert len(ground.step()["layers"]) == 3


def test_a_net_without_a_hidden_layer_is_logistic_regression():
    ground = Ground(Play(data="moons", hidden=()))
    ground.run(500)
    assert len(ground.step()["layers"]) == 1
    assert ground.frame()["scores"]["accuracy"][0] > 0.75


def test_a_rule_with_a_state_goes_on_with_it_when_only_the_step_changes():
    one, other = Ground(Play(optimizer="adam")), Ground(Play(optimizer="adam"))
    for ground in (one, other):
        ground.run(100)
    other.change(Play(optimizer="adam", lr=0.5))
    other.change(Play(optimizer="adam"))
    for ground in (one, other):
        ground.run(100)
    assert np.array_equal(one.net.parameters, other.net.parameters)


# ---- data -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATA)
def test_data_lie_in_the_box_and_do_not_depend_on_how_many_are_asked_for(name):
    one, many = Stream(DATA[name], 3), Stream(DATA[name], 3)
    for stream in (one, many):
        stream.turn("gradual", 500)
    x, y = many.take(1500, 0.1)
    parts = [one.take(n, 0.1) for n in (1, 499, 1000)]
    assert np.array_equal(np.concatenate([part[0] for part in parts]), x)
    assert np.array_equal(np.concatenate([part[1] for part in parts]), y)
    assert (np.abs(x) < 1.5 * BOX).all()
    assert np.mean(np.abs(x) < BOX) > 0.9
    classes = len(DATA[name].classes)
    assert {*y.tolist()} == {*map(float, range(classes))} if classes else (np.abs(y) <= 1.01).all()


def test_each_drift_moves_the_concept_in_its_own_way():
    t = np.array([0.0, 999, 1000, 1999, 2000, 3000])
    right = np.pi / 2
    assert DRIFTS["none"](t, 1000).tolist() == [0] * 6
    assert DRIFTS["abrupt"](t, 1000) == pytest.approx([0, 0, right, right, 2 * right, 3 * right])
    assert DRIFTS["recurring"](t, 1000) == pytest.approx([0, 0, right, right, 0, right])
    assert DRIFTS["gradual"](t, 1000) == pytest.approx(right * t / 1000)


@pytest.mark.parametrize("name", [name for name in DATA if name not in ("hills", "spiral")])
def test_after_an_abrupt_drift_what_was_learned_is_wrong(name):
    ground = Ground(Play(data=name, drift="abrupt", every=1500, noise=0.0, hidden=(8, 4), lr=0.05))
    ground.run(1500)
    before = ground.scores.now()["loss"][0]
    marks = ground.frame()["marks"]
    ground.run(100)
    assert marks == []
    assert ground.frame()["marks"] == [1500]
    assert ground.scores.now()["loss"][0] > 1.15 * before


def test_a_drift_counts_from_when_it_was_chosen():
    ground = Ground(Play())
    ground.run(700)
    ground.change(Play(drift="recurring", every=1000))
    ground.run(999)
    assert ground.frame()["marks"] == []
    ground.run(1001)
    assert ground.frame()["marks"] == [1700]
    ground.run(1)
    assert ground.frame()["marks"] == [2700]


def test_a_table_is_brought_into_the_box_and_its_rows_come_again():
    table = read_table("a;b;price\n0;10;1.5\n10;20;2.5\n5;;9\n5;15;2.0\n")
    assert (table.classes, table.skipped) == ((), 1)
    assert table.y.tolist() == [-1, 1, 0]
    assert table.answers == (1.5, 2.5)
    assert table.x.tolist() == [[-2.7, -2.7], [2.7, 2.7], [0, 0]]
    assert np.interp(table.x[:, 1], [-BOX, BOX], [table.low[1], table.high[1]]) == pytest.approx([10, 20, 15])
    x, _ = Stream(table, 1).take(7, 0)
    assert np.array_equal(x[:3], x[3:6])


@pytest.mark.parametrize(
    ("text", "chosen", "classes"),
    [
        ("a,b,c\n1,2,0\n3,4,1\n5,6,0\n", ("a", "b", "c"), ("0", "1")),
        ("id\ta\tb\ty\nq\t1\t2\tno\nr\t3\t4\tyes\ns\t5\t6\tno\n", ("a", "b", "y"), ("no", "yes")),
        ('\ufeffa,b,"the, kind"\r\n1,2,x\r\n3,4,"y, z"\r\n5,6,x\r\n', ("a", "b", "the, kind"), ("x", "y, z")),
        ("y,a,b\nTrue,1,2\nFalse,3,4\nTrue,5,6.5\n", ("y", "a", "b"), None),
    ],
)
def test_columns_and_classes_are_found_in_many_kinds_of_csv(text, chosen, classes):
    if classes is None:  # the last column is taken for the answer, and one of numbers is missing then
        with pytest.raises(DataError, match="two different columns of numbers"):
            read_table(text)
        table = read_table(text, ("a", "b", "y"))
        assert table.classes == ("False", "True")
        return
    table = read_table(text)
    assert (table.chosen, table.classes) == (chosen, classes)


def test_features_are_what_their_names_say():
    x = np.array([[1.5, -2.0]])
    wanted = [1.5, -2.0, 0.75, 4 / 3, -1.0, np.sin(1.5), np.sin(-2.0)]
    assert [float(make(x)[0]) for make in FEATURES.values()] == pytest.approx(wanted)


# ---- scores ---------------------------------------------------------------------------------------------------------


def test_baselines_are_scored_before_they_learn_the_row():
    scores = Scores(2)
    scores.take(np.array([[0.9]]), np.array([1.0]))
    assert scores.now()["loss"] == pytest.approx([-np.log(0.9), np.log(2), np.log(2)], rel=1e-3)
    scores.take(np.array([[0.9]]), np.array([1.0]))
    second = [-np.log(0.9), -np.log(2 / 3), np.log(2)]
    wanted = [(0.99 * a + b) / 1.99 for a, b in zip([-np.log(0.9), np.log(2), np.log(2)], second, strict=True)]
    assert scores.now()["loss"] == pytest.approx(wanted, rel=1e-3)
    assert scores.now()["accuracy"] == [1.0, 0.5, 0.5]


def test_an_answer_that_repeats_makes_the_last_answer_a_good_baseline():
    y = np.repeat([0.0, 1, 0, 1, 0, 1], 50)
    scores = Scores(2)
    scores.take(np.full((300, 1), 0.5), y)
    net, prior, again = scores.now()["loss"]
    assert net == pytest.approx(np.log(2), rel=1e-3)
    assert again < 0.25 * prior
    assert scores.now()["accuracy"][2] > 0.97


def test_a_regression_is_scored_against_the_mean_and_the_last_answer():
    scores = Scores(0)
    scores.take(np.array([[1.0], [3.0], [np.nan]]), np.array([1.0, 3.0, 2.0]))
    net, mean, last = scores.now()["loss"]
    mass = 1 + 0.99 + 0.99**2
    assert net == pytest.approx(1e6 / mass, rel=1e-3)
    assert mean == pytest.approx((0.99**2 * 1 + 0.99 * 4 + 0) / mass, rel=1e-3)
    assert last == pytest.approx((0.99**2 * 1 + 0.99 * 4 + 1) / mass, rel=1e-3)
    assert scores.now()["accuracy"] is None
