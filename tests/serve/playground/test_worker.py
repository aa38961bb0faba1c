"""What the playground's worker does: the net is the library's, the four steps say what it did, points and scores are what they should be."""

import base64
import re

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.plain import ACTIVATIONS, LOSSES
from headwater.plain.optimizers.rules import RULES

CSV = "width,note,height,kind\n" + "\n".join(
    f"{i % 7},text {i},{i % 5},{'big' if i % 7 + i % 5 > 5 else 'small'}" for i in range(100)
)
BOX = 3


def play(node, calls, csv=None, **settings):
    return node({"do": "play", "settings": settings, "csv": csv, "calls": calls})[0]


def test_what_is_offered_is_what_the_library_has(node):
    (lists,) = node({"do": "lists"})
    assert {*lists["rates"]} == {*nn.OPTIMIZERS}
    assert lists["activations"] == [*ACTIVATIONS]
    assert lists["data"] == lists["planes"]
    assert lists["drifts"] == lists["angles"]
    assert lists["defaults"] == []
    assert lists["formulas"]["ACTIVATIONS"] == {name: row.formula for name, row in ACTIVATIONS.items()}
    assert lists["formulas"]["RULES"] == {name: row.formula for name, row in RULES.items()}
    assert all(LOSSES[name].formula == formula for name, formula in lists["formulas"]["LOSSES"].items())


@pytest.mark.parametrize("data", ["circles", "gaussians", "plane"])
def test_the_four_steps_say_what_the_net_did(node, data):
    _, said, frame = play(node, [["run", 50], ["step"], ["frame"]], data=data, hidden=[3, 2], lr=0.1)
    a = np.array(said["features"])
    for i, layer in enumerate(said["layers"]):
        z = a @ np.array(layer["w"]) + layer["b"]
        assert z == pytest.approx(layer["z"], abs=1e-5)
        last = i == len(said["layers"]) - 1
        out = z if last else np.tanh(z)
        assert out == pytest.approx(layer["a"], abs=1e-5)
        assert np.outer(a, layer["delta"]) == pytest.approx(np.array(layer["gw"]), abs=1e-5)
        assert np.array(layer["w"]) - 0.1 * np.array(layer["gw"]) == pytest.approx(np.array(layer["w_after"]), abs=1e-5)
        moved = np.array(layer["b"]) - 0.1 * np.array(layer["delta"])
        assert moved == pytest.approx(np.array(layer["b_after"]), abs=1e-5)
        a = out
    p, y, delta = np.array(said["prediction"]), said["y"], said["layers"][-1]["delta"]
    if data == "plane":
        assert said["loss"] == pytest.approx((p[0] - y) ** 2, rel=1e-3)
        assert delta == pytest.approx([2 * (p[0] - y)], abs=1e-5)
    elif data == "circles":
        assert said["loss"] == pytest.approx(-np.log(p[0] if y else 1 - p[0]), rel=1e-3)
        assert delta == pytest.approx([p[0] - y], abs=1e-5)
    else:
        assert said["loss"] == pytest.approx(-np.log(p[int(y)]), rel=1e-3)
        assert delta == pytest.approx((p - np.eye(3)[int(y)]).tolist(), abs=1e-5)
    assert said["loss_after"] < said["loss"]
    assert not said["undone"]
    assert frame["n"] == 51


def test_the_gradient_shown_holds_the_penalty(node):
    (said,) = play(node, [["step"]], hidden=[2], l1=0.01, l2=0.1, lr=0.1)
    layer = said["layers"][0]
    w = np.array(layer["w"])
    wanted = np.outer(said["features"], layer["delta"]) + 0.1 * w + 0.01 * np.sign(w)
    assert np.array(layer["gw"]) == pytest.approx(wanted, abs=1e-5)
    assert w - 0.1 * wanted == pytest.approx(np.array(layer["w_after"]), abs=1e-5)


def test_every_rule_learns_at_the_rate_suggested_and_survives_an_absurd_one(node):
    (lists,) = node({"do": "lists"})
    asked = [
        {
            "do": "play",
            "settings": {"optimizer": rule, "lr": lr, "data": data},
            "calls": [["run", 2000], ["step"], ["frame"]],
        }
        for rule, suits in lists["rates"].items()
        for lr, data in ((suits, "circles"), (10, "moons"), (10, "hills"))
    ]
    for task, (_, _, frame) in zip(asked, node(*asked), strict=True):
        assert np.isfinite(frame["layers"][0]["w"]).all(), task
        net, frequencies, _ = frame["scores"]["loss"]
        assert task["settings"]["lr"] == 10 or net < 0.5 * frequencies, task


def test_every_activation_is_shown_as_the_net_computes_it(node):
    asked = [
        {
            "do": "play",
            "settings": {"activation": name, "hidden": [3, 2], "dropout": 0.2},
            "calls": [["run", 40], ["weights"], ["step"]],
        }
        for name in ACTIVATIONS
    ]
    for name, (_, layers, said) in zip(ACTIVATIONS, node(*asked), strict=True):
        a = np.array(said["features"])
        for own, layer in zip(said["layers"][:-1], layers, strict=False):
            z = a @ np.reshape(layer["weights"]["data"], layer["weights"]["shape"]) + layer["bias"]
            a = ACTIVATIONS[name].value(z, ACTIVATIONS[name].default)
            assert own["a"] == pytest.approx(a.tolist(), abs=1e-5), name


def test_a_frame_shows_net_plane_and_units_and_only_what_is_new_comes_again(node):
    first, _, second, _, third = play(
        node,
        [["frame"], ["run", 50], ["frame"], ["run", 10], ["frame"]],
        hidden=[3, 2],
        features=["x1", "x2", "sin x1"],
    )
    assert (first["n"], first["fresh"], first["classes"]) == (0, True, ["A", "B"])
    assert [(layer["n"], layer["m"]) for layer in first["layers"]] == [(3, 3), (3, 2), (2, 1)]
    assert [len(layer) for layer in first["units"]] == [3, 2]
    assert len(first["surface"][0]) == 64 * 64
    assert {len(unit) for layer in first["units"] for unit in layer} == {24 * 24}
    assert len(first["test"]) == 200
    assert (second["fresh"], len(second["points"]), len(third["points"])) == (False, 50, 10)
    assert [row[0] for row in third["curve"]] == [55, 60]
    assert [row[0] for row in third["fits"]] == [60]


def test_a_run_learns_until_the_net_beats_both_baselines_on_points_held_out_too(node):
    _, frame = play(node, [["run", 2000], ["frame"]])
    net, prior, again = frame["scores"]["loss"]
    assert net < 0.25 * min(prior, again)
    assert frame["fit"]["test"]["accuracy"] > 0.9
    assert frame["fit"]["test"]["loss"] < 0.25 * prior
    surface = np.reshape(frame["surface"][0], (64, 64))
    assert surface[31:33, 31:33].min() > 200  # the inner circle is class B
    assert surface[12, 31] < 60  # the ring is class A


def test_samples_one_by_one_and_in_one_go_give_the_same_net(node):
    one = play(node, [*[["step"]] * 20, ["weights"]], data="moons", drift="gradual")[-1]
    many = play(node, [["run", 20], ["weights"]], data="moons", drift="gradual")[-1]
    assert one == many


def test_another_rule_keeps_the_weights_with_its_state_and_another_shape_begins_anew(node):
    calls = [
        ["run", 300],
        ["weights"],
        ["change", {"lr": 0.5}],
        ["weights"],
        ["change", {"lr": 0.01}],
        ["run", 100],
        ["weights"],
    ]
    _, before, _, kept, _, _, end = play(node, calls, optimizer="adam", lr=0.01)
    assert kept == before
    assert end == play(node, [["run", 400], ["weights"]], optimizer="adam", lr=0.01)[-1]
    calls = [
        ["run", 300],
        ["frame"],
        ["change", {"data": "xor"}],
        ["frame"],
        ["change", {"hidden": [5]}],
        ["frame"],
        ["run", 9],
    ]
    calls += [["change", {"data": "plane"}], ["frame"]]
    _, _, _, other, _, shaped, _, _, regression = play(node, calls, hidden=[4])
    assert (other["n"], other["fresh"], other["marks"]) == (300, False, [300])  # another concept from here on
    assert (shaped["n"], shaped["fresh"]) == (0, True)
    assert (regression["n"], regression["fresh"], regression["classes"]) == (0, True, [])


def test_a_reset_gives_the_first_weights_and_the_first_points_again(node):
    calls = [["run", 100], ["frame"], ["weights"], ["reset"], ["run", 100], ["frame"], ["weights"]]
    _, first, weights, _, _, again, same = play(node, calls, data="xor")
    assert (again["points"], same) == (first["points"], weights)


# ---- batches, a training set ----------------------------------------------------------------------------------------


def test_a_whole_training_set_in_a_step_is_batch_gradient_descent_as_python_does_it(node):
    calls = [["training"], ["run", 130], ["frame"], ["weights"]]
    points, _, frame, layers = play(
        node, calls, data="moons", points=12, batch=0, optimizer="adam", lr=0.01, hidden=[5]
    )
    assert (len(points), frame["n"], frame["updates"]) == (12, 120, 10)  # 130 samples fill ten batches
    net = nn.Network(
        [nn.Dense(5, "tanh"), nn.Dense(1)], loss="binary_cross_entropy", optimizer=nn.Adam(0.01), seed=1, inputs=2
    )
    X, y = np.array(points)[:, :2], np.array(points)[:, 2]
    net.fit(X, y, epochs=10, shuffle=False)
    for layer, own in zip(layers, net.layers, strict=True):
        # the order of the samples differs, and with it how sums are rounded
        assert np.reshape(layer["weights"]["data"], layer["weights"]["shape"]) == pytest.approx(own.weights, abs=1e-5)
        assert layer["bias"] == pytest.approx(own.bias, abs=1e-5)


def test_a_mini_batch_takes_one_step_for_all_its_samples(node):
    _, frame, _, more = play(node, [["run", 95], ["frame"], ["run", 10], ["frame"]], batch=10)
    assert (frame["n"], frame["updates"]) == (90, 9)
    assert (more["n"], more["updates"]) == (100, 10)  # what was left over counts
    assert len(more["curve"]) == 2


def test_a_training_set_comes_again_shuffled_and_the_test_points_are_others(node):
    points, taken = (
        play(node, [["training"]], points=12, noise=0.2)[0],
        node(
            {
                "do": "take",
                "data": "circles",
                "seed": 1,
                "points": 12,
                "noise": 0.2,
                "drift": "abrupt",
                "every": 5,
                "parts": [24],
            }
        )[0],
    )
    assert sorted(taken[:12]) == sorted(points) == sorted(taken[12:])
    assert taken[:12] != taken[12:]
    (frame,) = play(node, [["frame"]], points=12, noise=0.2)
    assert not {tuple(p) for p in frame["test"]} & {tuple(p) for p in points}
    assert frame["training"] == points


def test_a_weight_can_be_given_another_value(node):
    _, before, _, after, _, layers = play(
        node,
        [["run", 100], ["predict", [[1, 0.5]]], ["weigh", {"l": 0, "i": 1, "j": 2, "value": 4}], ["predict", [[1, 0.5]]],
         ["weigh", {"l": 2, "i": -1, "j": 0, "value": -3}], ["weights"]],
    )  # fmt: skip
    assert before != after
    assert layers[0]["weights"]["data"][1 * 4 + 2] == 4
    assert layers[2]["bias"] == [-3]


def test_a_saved_net_opens_in_python_and_predicts_the_same_to_the_bit(node, tmp_path):
    points = [[0.5, -1.25], [2.75, 0.125], [-1.5, 1.5]]
    for data in ("circles", "gaussians", "hills"):
        _, predicted, saved = play(node, [["run", 500], ["predict", points], ["save"]], data=data, dropout=0.1)
        (tmp_path / "net.hw").write_bytes(base64.b64decode(saved))
        net = hw.load(tmp_path / "net.hw")
        assert net.forward(points).ravel().tolist() == predicted


# ---- points ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "spiral", "gaussians", "plane", "hills"])
def test_points_lie_in_the_box_and_do_not_depend_on_how_many_are_asked_for(node, name):
    task = {"do": "take", "data": name, "drift": "gradual"}
    many, parts = node({**task, "parts": [1500]}, {**task, "parts": [1, 499, 1000]})
    assert many == parts
    x, y = np.array(many)[:, :2], np.array(many)[:, 2]
    assert (np.abs(x) < 1.5 * BOX).all()
    assert np.mean(np.abs(x) < BOX) > 0.9
    if name in ("plane", "hills"):
        assert (np.abs(y) <= 1.01).all()
    else:
        assert {*y.tolist()} == {0, 1, 2} if name == "gaussians" else {0, 1}


def test_noise_is_as_large_as_was_asked(node):
    task = {"do": "take", "data": "plane", "parts": [4000]}
    quiet, loud = (np.array(points)[:, :2] for points in node({**task, "noise": 0}, {**task, "noise": 0.5}))
    assert (loud - quiet).std() == pytest.approx(0.5, rel=0.03)
    assert (loud - quiet).mean() == pytest.approx(0, abs=0.02)


def test_each_drift_moves_the_concept_in_its_own_way(node):
    (angles,) = node({"do": "angles", "every": 1000, "at": [0, 999, 1000, 1999, 2000, 3000]})
    right = np.pi / 2
    assert angles["none"] == [0] * 6
    assert angles["abrupt"] == pytest.approx([0, 0, right, right, 2 * right, 3 * right])
    assert angles["recurring"] == pytest.approx([0, 0, right, right, 0, right])
    assert angles["gradual"] == pytest.approx([right * t / 1000 for t in (0, 999, 1000, 1999, 2000, 3000)])


@pytest.mark.parametrize("name", ["moons", "circles", "xor", "gaussians", "plane"])
def test_after_an_abrupt_drift_what_was_learned_is_wrong(node, name):
    calls = [["run", 1499], ["frame"], ["run", 2], ["frame"]]
    _, before, _, after = play(node, calls, data=name, drift="abrupt", every=1500, noise=0, hidden=[8, 4], lr=0.05)
    assert (before["marks"], after["marks"]) == ([], [1500])
    assert after["fit"]["test"]["loss"] > 1.5 * before["fit"]["test"]["loss"]
    assert before["fit"]["first"] is None
    assert (
        name == "plane" or after["fit"]["first"]["loss"] < after["fit"]["test"]["loss"]
    )  # which is learned anew at once


def test_a_drift_counts_from_when_it_was_chosen(node):
    calls = [
        ["run", 700],
        ["change", {"drift": "recurring"}],
        ["run", 999],
        ["frame"],
        ["run", 1001],
        ["frame"],
        ["run", 1],
        ["frame"],
    ]
    marks = [said["marks"] for said in play(node, calls) if said and "marks" in said]
    assert marks == [[], [1700], [2700]]


# ---- one's own CSV --------------------------------------------------------------------------------------------------


def test_a_csv_is_brought_into_the_box_and_every_fourth_row_is_held_out(node):
    (table,) = node({"do": "table", "csv": "a;b;price\n0;10;1.5\n10;20;2.5\n5;;9\n5;15;2.0\n\n;1;9\n10;10;1.75\n"})
    assert (table["classes"], table["about"]["skipped"], table["about"]["rows"]) == ([], 2, 4)
    assert table["rows"] == [[-2.7, -2.7, -1], [2.7, 2.7, 1], [0, 0, 0]]
    assert table["test"] == [[2.7, -2.7, -0.5]]
    assert table["about"]["answers"] == [1.5, 2.5]
    ends = [table["about"]["low"][1], table["about"]["high"][1]]
    assert np.interp([-2.7, 0, 2.7], [-BOX, BOX], ends) == pytest.approx([10, 15, 20])


def test_quotes_byte_marks_and_line_ends_of_a_csv_are_read(node):
    text = '\ufeffa,b,"kind, of"\r\n1,2,"say ""no"""\r\n3,4,"two\r\nlines"\r\n5,6,"say ""no"""\r\n'
    (table,) = node({"do": "table", "csv": text})
    assert table["about"]["chosen"] == ["a", "b", "kind, of"]
    assert table["classes"] == ['say "no"', "two\nlines"]


def test_the_columns_are_looked_at_as_the_command_looks(node, tmp_path):
    lines = ["id,size,when,gap,same,weight,hot,kind"]
    for i in range(60):
        gap = "-999" if i % 9 == 0 else "" if i % 9 == 1 else str(i % 5)
        lines.append(
            f"{i},{i % 7}.5,2024-01-{i % 28 + 1:02},{gap},x,{(i * 7) % 11},{'true' if i % 2 else 'false'},{'abc'[i % 3]}"
        )
    csv = "\n".join(lines)
    (tmp_path / "a.csv").write_text(csv)
    (here,) = node({"do": "look", "csv": csv})
    names = {
        "constant": "constant",
        "identifier": "identifier",
        "leaks": "leaks the target",
        "sentinel": "sentinel -999",
    }
    shown = [
        (c["name"], c["kind"], tuple(c["cells"]), c["gaps"], tuple(names[m["mark"]] for m in c["marks"])) for c in here
    ]
    looked = hw.look(tmp_path / "a.csv", target="kind")
    assert shown == [(c.name, c.kind, c.cells, c.gaps, c.marks) for c in looked.columns]


def test_a_csv_is_learned_and_its_columns_can_be_chosen(node):
    calls = [["run", 1500], ["frame"], ["change", {"columns": ["height", "width", "kind"]}], ["frame"]]
    _, frame, _, other = play(node, calls, data="csv", csv=CSV)
    assert frame["classes"] == ["big", "small"]
    assert frame["table"]["columns"] == ["width", "note", "height", "kind"]
    assert frame["table"]["chosen"] == ["width", "height", "kind"]
    assert frame["scores"]["accuracy"][0] > 0.9
    assert frame["fit"]["test"]["accuracy"] > 0.9
    assert other["table"]["chosen"] == ["height", "width", "kind"]
    assert (other["n"], other["marks"]) == (1500, [1500])


@pytest.mark.parametrize(
    ("csv", "columns", "code"),
    [
        ("", None, "csv_empty"),
        ("\n \n", None, "csv_empty"),
        ("\x00\x01", None, "csv_text"),
        ("a,b\n1,2\n", None, "csv_header"),
        ("a,a,c\n1,2,x\n1,2,x\n1,2,x\n", None, "csv_header"),
        ("a,b,c\n1,2,x\n", None, "csv_rows"),
        ("a,b,c\n" + "1,2,x\n" * 20_001, None, "csv_rows"),
        ('a,b,c\n1,2,"x\n', None, "csv_quotes"),
        ("a,b,c\n" + "x,y,z\n" * 5, None, "csv_numbers"),
        (CSV, ["width", "width", "kind"], "csv_numbers"),
        (CSV, ["width", "note", "kind"], "csv_numbers"),
        (CSV, ["width", "height", "width"], "csv_numbers"),
        (CSV, ["width", "height", "none"], "csv_numbers"),
        (CSV, ["width", "height", "note"], "csv_classes"),
        ("a,b,c\n" + "1,2,z\n3,4,z\n" * 5, None, "csv_classes"),
        ("a,b,c\n1,2,x\n3,4,\n,6,y\n", None, "csv_few"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused_by_a_code(node, csv, columns, code):
    (said,) = node({"do": "table", "csv": csv, "columns": columns})
    assert said.get("code") == code


# ---- scores ---------------------------------------------------------------------------------------------------------


def test_the_baselines_are_the_frequencies_so_far_and_the_last_answer_again(node):
    y = [0, 0, 1, 1, 1, 0, 1, 1]
    (said,) = node({"do": "score", "classes": 2, "predictions": [[0.25]] * len(y), "y": y})
    losses = [0.0, 0.0, 0.0]
    counts, last, stayed, changed, mass = [1, 1], None, 1, 1, 0.0
    for answer in y:
        stay = stayed / (stayed + changed)
        again = 0.5 if last is None else stay if answer == last else 1 - stay
        new = (0.25 if answer else 0.75, counts[answer] / sum(counts), again)
        losses = [0.99 * old - np.log(p) for old, p in zip(losses, new, strict=True)]
        mass = 0.99 * mass + 1
        if last is not None:
            stayed, changed = stayed + (answer == last), changed + (answer != last)
        counts[answer] += 1
        last = answer
    assert said["loss"] == pytest.approx([loss / mass for loss in losses])
    assert said["accuracy"][0] == y.count(0) / len(y)
    assert said["accuracy"][2] == pytest.approx(4 / 8)
    assert [row[0] for row in said["curve"]] == [5]


def test_a_regression_is_scored_by_squares_beside_the_mean_and_the_last_answer(node):
    (said,) = node({"do": "score", "classes": 0, "predictions": [[1.0], [None], [0.5]], "y": [1.0, 0.0, 1.0]})
    mass = 1 + 0.99 + 0.99**2
    assert said["accuracy"] is None
    assert said["loss"][1] == pytest.approx((0.99**2 * 1 + 0.99 * 1 + 0.25) / mass)
    assert said["loss"][2] == pytest.approx((0.99**2 * 1 + 0.99 * 1 + 1) / mass)
    assert said["loss"][0] > 1e5  # what is no number costs much, and not without end


def test_saturated_outputs_are_those_where_the_slope_is_nearly_flat(node):
    _, frame, layers = play(node, [["run", 500], ["frame"], ["weights"]], data="moons", lr=3, hidden=[4])
    at = BOX * ((2 * np.arange(24) + 1) / 24 - 1)
    plane = np.stack([np.tile(at, 24), np.repeat(-at, 24)], 1)
    z = plane @ np.reshape(layers[0]["weights"]["data"], (2, 4)) + layers[0]["bias"]
    assert frame["saturated"] == pytest.approx(ACTIVATIONS["tanh"].saturated(z).mean(), abs=1e-3)
    assert play(node, [["frame"]], activation="relu")[0]["saturated"] is None


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"data": "cube"}, ["data"]),
        ({"drift": "wild"}, ["drift"]),
        ({"features": ["x3"]}, ["features"]),
        ({"features": ["x1", "x1"]}, ["features"]),
        ({"features": []}, ["features"]),
        ({"hidden": [9]}, ["hidden"]),
        ({"hidden": [2] * 7}, ["hidden"]),
        ({"activation": "softmax"}, ["activation"]),
        ({"optimizer": "toString"}, ["optimizer"]),
        ({"lr": 0, "l1": -1}, ["lr", "l1"]),
        ({"lr": None, "dropout": 1}, ["lr", "dropout"]),
        ({"seed": -1, "every": 1, "points": 13, "batch": 3}, ["points", "every", "batch", "seed"]),
        ({"speed": 1e9, "noise": 2, "lesson": "<b>"}, ["noise", "speed", "lesson"]),
    ],
)
def test_settings_that_cannot_be_are_named(node, settings, wrong):
    assert node({"do": "refused", "settings": settings}) == [wrong]


# ---- lessons --------------------------------------------------------------------------------------------------------

MOVES = {
    "xor": ([[{}, 1500], 1], [[{"hidden": [4]}, 3000], 2]),
    "saturation": ([[{"lr": 3}, 1000], 1], [[{"lr": 0.03}, 96], 1], [[{"reset": True}, 3000], 2]),
    "step": ([[{}, 1000], 0], [[{"lr": 3}, 1000], 1], [[{"lr": 0.1}, 0], 1], [[{"reset": True}, 3000], 2]),
    "overfit": ([[{}, 20_000], 1], [[{"points": 200}, 100], 1], [[{"reset": True}, 30_000], 2]),
    "drift": ([[{}, 960], 1], [[{}, 96], 2], [[{}, 800], 3]),
}
"""Of each lesson what a reader does, and how many goals are reached then."""


@pytest.mark.parametrize("name", MOVES)
def test_the_goals_of_a_lesson_are_reached_by_doing_what_it_asks_and_not_before(node, name):
    (said,) = node({"do": "lesson", "name": name, "moves": [move for move, _ in MOVES[name]]})
    assert said == [wanted for _, wanted in MOVES[name]]


def test_each_lesson_is_tried(node):
    (lists,) = node({"do": "lists"})
    assert {name: moves[-1][1] for name, moves in MOVES.items()} == lists["goals"]


WRITTEN = {
    "german": "preis;menge;art\n1.234,56;1,5;gut\n12,5;2,25;gut\n-3.000,00;3,75;schlecht\n7,25;,5;schlecht\n",
    "english": 'price,amount,kind\n"1,234.56",1.5,good\n12.5,2.25,good\n"-3,000.00",3.75,bad\n7.25,.5,bad\n',
    "only the other column tells": "a;b;kind\n1.234;1,5;x\n2.345;2,5;x\n3.456;3,5;y\n4.567;4,5;y\n",
    "swiss money": "a;b;kind\n$1'234.50;1;x\n$12.00;2;x\n($7.25);3;y\n$1'000'000.00;4;y\n",
    "spaces": "a;b;kind\n1 234,5;1;x\n12 345,5;2;x\n7,5;3;y\n1 000 000,0;4;y\n",
    "wide": "a,b,kind\n１２３,1,x\n４５,2,x\n−6,3,y\n7.5,4,y\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_are_read_as_python_reads_the_same_file(node, tmp_path, name):
    (tmp_path / "a.csv").write_text(WRITTEN[name], encoding="utf-8")
    with hw.read(tmp_path / "a.csv", target=re.split("[;,]", WRITTEN[name].splitlines()[0])[-1]) as stream:
        rows = [x for x, _ in stream]
    (table,) = node({"do": "table", "csv": WRITTEN[name]})
    for j, column in enumerate(table["about"]["chosen"][:2]):
        values = [row[column] for row in rows]
        margin = (max(values) - min(values)) / 18
        ends = [table["about"]["low"][j] + margin, table["about"]["high"][j] - margin]
        assert ends == pytest.approx([min(values), max(values)])
    assert table["about"]["skipped"] == 0


def test_a_header_alone_says_what_is_lacking(node):
    (told,) = node({"do": "table", "csv": "a;b;kind\n"})
    assert told == {"code": "csv_only_header", "values": {"columns": 3}}


@pytest.mark.parametrize(
    ("encoding", "text", "spoken"),
    [
        ("utf-8", "温度,湿度,天气\n", ""),
        ("gbk", "温度,湿度,天气\n1,2,晴\n3,4,多云\n", "GB18030 (GBK)"),
        ("latin-1", "größe,preis,straße\n1,2,Müller\n", "Windows-1252"),
        ("utf-16", "größe,天气\n", "UTF-16"),
    ],
)
def test_a_file_is_decoded_by_what_its_bytes_look_like(node, encoding, text, spoken):
    (told,) = node({"do": "decode", "bytes": list(text.encode(encoding))})
    assert told == [text, spoken]
