"""One question for every kind: named columns, settings read by declared fields, and nothing is changed."""

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.kinds import KINDS
from headwater.learner.kind import ABILITIES
from headwater.learner.schema import Field, Question, Response, Wide
from headwater.store.learner_file import fingerprint
from learner.test_kinds import ROWS, answers, taught

EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.task)


def columns(response):
    return {
        name: column.maps() if isinstance(column, Wide) else list(column) for name, column in response.columns.items()
    }


@EVERY
def test_a_response_has_the_declared_columns_and_asking_changes_nothing(kind):
    model = taught(kind)
    before = fingerprint(model)
    response = model.ask(ROWS[:1] if kind.question.ahead else ROWS[:5])
    declared = [field.name for field in kind.response]
    assert set(response) <= set(declared)
    assert {field.name for field in kind.response if field.required} <= set(response)
    assert len(response) == (1 if kind.question.ahead else 5)
    assert all(len(values) == len(response) for values in response.flat().values())
    assert columns(model.ask(ROWS[:1] if kind.question.ahead else ROWS[:5])) == columns(response)
    assert fingerprint(model) == before


def test_the_spellings_of_each_kind_say_the_same():
    rows = ROWS[:4]
    found = {kind.task: taught(kind) for kind in KINDS}
    assert list(found["classify"].ask(rows)["y_pred"]) == list(found["classify"].predict_many(rows))
    assert found["regress"].ask(rows)["y_pred"].tolist() == found["regress"].predict_many(rows).tolist()
    ends = found["regress"].ask(rows, coverage=0.8)
    assert np.array_equal(np.stack([ends["low"], ends["high"]], 1), found["regress"].predict_interval_many(rows, 0.8))
    assert [set(one) for one in found["classify"].ask(rows, coverage=0.8)["set"]] == found["classify"].predict_set_many(
        rows, 0.8
    )
    assert found["anomaly"].ask(rows)["score"].tolist() == found["anomaly"].score_many(rows).tolist()
    assert found["anomaly"].ask(rows)["anomaly"] == [found["anomaly"].is_anomaly_one(x) for x in rows]
    assert found["forecast"].ask(horizon=3)["y_pred"] == found["forecast"].forecast(3)
    assert found["decide"].ask(rows)["y_pred"] == [found["decide"].predict_one(x) for x in rows]
    offered = found["decide"].ask(rows, actions=["low", "new"])
    assert offered["proba"].maps() == [found["decide"].probabilities(x, ["low", "new"]) for x in rows]
    assert found["control"].ask(rows)["action"] == [found["control"].act(x, explore=False) for x in rows]
    assert found["multioutput"].ask(rows)["y_pred"].maps() == found["multioutput"].predict_many(rows)


@EVERY
def test_a_step_teaches_what_the_learner_alone_would(kind):
    model, plain = kind.make({"seed": 1}), taught(kind)
    response = model.step(ROWS[:300], answers(kind, ROWS[:300]))
    assert fingerprint(model) == fingerprint(plain)
    assert len(response) == 300


@EVERY
def test_a_store_is_asked_and_taught_as_the_learner_in_memory(kind, tmp_path):
    plain = taught(kind)
    with hw.open(tmp_path / "a.db", kind.make({"seed": 1})) as store:
        y = answers(kind, ROWS[:300])
        response = store.step(ROWS[:300]) if y is None else store.step(ROWS[:300], y)
        assert list(response) == [kind.response[0].name]
        assert fingerprint(store.learner) == fingerprint(plain)
        rows = ROWS[:1] if kind.question.ahead else ROWS[:3]
        assert columns(store.ask(rows)) == columns(plain.ask(rows))


@EVERY
def test_a_question_that_a_kind_does_not_have_is_refused_with_those_it_has(kind):
    with pytest.raises(ConfigError, match="expected a question with") as refused:
        kind.cls().ask(ROWS[:1], colour="red")
    for field in kind.question.fields:
        assert field.name in str(refused.value)
    for field in kind.question.fields:
        with pytest.raises(DataError, match=field.expected):
            taught(kind).ask(ROWS[:1], **{field.name: object()})


@EVERY
def test_rows_may_be_left_out_only_of_what_is_ahead(kind):
    model = taught(kind)
    if kind.question.ahead:
        assert len(model.ask()) == model.horizon
        return
    with pytest.raises(DataError, match=f"expected rows, got none — at ask of {kind.name}"):
        model.ask()


def test_a_fleet_is_asked_row_by_row_and_its_members_give_intervals():
    fleet = hw.Fleet(lambda: hw.Regressor(hidden=(4,), seed=1), key="c")
    fleet.learn_many(ROWS[:200], [row["a"] for row in ROWS[:200]])
    assert fleet.ask(ROWS[:3])["y_pred"].tolist() == fleet.predict_many(ROWS[:3]).tolist()
    own = [fleet[row["c"]].ask([{name: row[name] for name in row if name != "c"}], coverage=0.9) for row in ROWS[:3]]
    assert fleet.ask(ROWS[:3], coverage=0.9).rows() == [one.rows()[0] for one in own]
    with pytest.raises(ConfigError, match=r"coverage or guarantee|coverage, guarantee"):
        fleet.ask(ROWS[:3], rate=0.9)


@EVERY
@pytest.mark.parametrize("door", ABILITIES)
def test_what_a_kind_cannot_do_has_a_sentence_that_says_what_to_do_instead(kind, door):
    way_out = kind.cannot(door)
    if door in kind.can:
        assert way_out is None
        return
    assert way_out.endswith(".")
    assert way_out[0].isupper()


def test_a_learner_with_a_memory_can_do_less_and_says_so():
    kind = KINDS[0]
    assert kind.cannot("onnx", hw.Classifier()) is None
    assert kind.cannot("onnx", hw.Classifier(memory=4)) == "Make it without memory for this."


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (Field("n", "whole", "A count.", least=1, most=9), "3", 3),
        (Field("p", "number", "A share."), "0.25", 0.25),
        (Field("a", "list", "Some."), "x, 2", ["x", 2]),
        (Field("b", "boolean", "Whether."), "yes", True),
        (Field("k", "names", "Some."), "4", 4),
        (Field("k", "names", "Some."), "left,right", ["left", "right"]),
        (Field("l", "label", "One."), "7", 7),
        (Field("t", "text", "One."), "7", "7"),
    ],
)
def test_a_text_of_the_command_line_is_read_by_its_field(field, text, value):
    assert field.parse(text) == value


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (
            Field("n", "whole", "A count.", least=1, most=9),
            10,
            "a whole number from 1 to 9, got 10 — at n. n: A count.",
        ),
        (Field("n", "whole", "A count.", least=1), 0.5, "a whole number of at least 1, got 0.5"),
        (Field("n", "number", "A size."), True, "a number, got True"),
        (Field("n", "number", "A size.", least=0, most=1), float("nan"), "a number from 0 to 1, got nan"),
        (Field("n", "number", "A size."), None, "a number, got nothing"),
    ],
)
def test_a_value_that_is_none_of_a_field_is_refused_in_one_sentence(field, value, said):
    with pytest.raises(DataError, match=said):
        field.read(value)


def test_a_field_is_a_json_schema():
    field = Field("horizon", "whole", "How many times ahead.", default=24, least=1, most=1024, unit="times")
    assert field.schema() == {
        "type": "integer",
        "description": "How many times ahead. Unit: times.",
        "minimum": 1,
        "maximum": 1024,
        "default": 24,
    }


def test_a_response_is_rows_or_flat_columns():
    response = Response({"y_pred": ["a", "b"], "proba": Wide(("a", "b"), np.array([[0.75, 0.25], [0.5, 0.5]]))})
    assert response.rows()[1] == {"y_pred": "b", "proba": {"a": 0.5, "b": 0.5}}
    assert response.flat() == {"y_pred": ["a", "b"], "proba_a": [0.75, 0.5], "proba_b": [0.25, 0.5]}
    assert len(Response({})) == 0


def test_a_question_reads_its_defaults():
    question = Question("score", (Field("rate", "number", "The share of alarms.", default=0.001),))
    assert question.read({}) == {"rate": 0.001}
    assert question.read({"rate": 0.5}) == {"rate": 0.5}
