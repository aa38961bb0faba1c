"""What the task is, and which answers don't fit it."""

import numpy as np
import pytest

from headwater.errors import ConfigError, TargetError
from headwater.streams import Block, Rejects, Target
from headwater.streams.target import assume_target, decide_target


@pytest.mark.parametrize(
    ("answers", "task", "kind"),
    [
        (["UP", "DOWN"], "classify", "text"),
        ([True, False, None], "classify", "boolean"),
        ([0, 1] * 10, "classify", "number"),
        ([1.0, 0.0], "classify", "number"),
        ([3, 7, 3], "classify", "number"),
        (list(range(10)) * 3, "classify", "number"),
        (list(range(10)) * 2, "regress", "number"),
        (list(range(21)) * 10, "regress", "number"),
        ([1.0, 2.0, 3.0] * 10, "classify", "number"),
        ([0.5, 1.5], "regress", "number"),
        ([0.5, 1.5, "ten"], "regress", "number"),
        ([1, 2, 1, 2, "other"], "classify", "any"),
        ([1.5, "a", "b"], "classify", "any"),
        ([np.int64(0), np.int64(1)], "classify", "number"),
        ([float("nan"), 0.5], "regress", "number"),
    ],
)
def test_the_task_is_decided_from_the_first_answers(answers, task, kind):
    target = decide_target(answers)
    assert (target.task, target.kind) == (task, kind)
    assert target.why.startswith("target holds ")


def test_a_task_that_is_given_is_not_explained():
    assert decide_target([1, 0], task="regress") == Target("regress", "number")


@pytest.mark.parametrize("answers", [[], [None, None], [float("nan")]])
def test_no_known_answer_is_an_error(answers):
    with pytest.raises(TargetError, match="expected answers in the column late"):
        decide_target(answers, name="late", at="a.csv")


def test_a_column_of_text_cannot_be_regressed():
    with pytest.raises(TargetError, match=r"expected a number in the column late, got 'yes' — at a.csv\. Choose"):
        decide_target(["yes", "no"], task="regress", name="late", at="a.csv")


def test_a_number_in_quotes_is_told_from_a_text_that_is_none():
    with pytest.raises(
        TargetError, match=r"got '160749' — at a\.jsonl\. It is a text there: write numbers without quotes"
    ):
        decide_target(["160749", "12"], task="regress", name="late", at="a.jsonl")


def test_answers_of_another_kind_than_the_models_classes_are_an_error():
    with pytest.raises(TargetError, match="like the model's classes, got 'yes'"):
        decide_target(["yes", "no"], task="classify", classes=(0, 1), name="late", at="a.csv")


def test_a_task_of_another_name_is_an_error():
    with pytest.raises(ConfigError, match="expected one of auto, classify, regress, got classification"):
        decide_target([1], task="classification")


@pytest.mark.parametrize(
    ("target", "answers", "kept", "counts"),
    [
        (Target("regress", "number"), [1.5, True, None, "x"], [1.5, 1.0, None], {"target is text, not a number": 1}),
        (
            Target("classify", "number"),
            [1, "x", True],
            [1],
            {"target is text, not a number": 1, "target is true or false, not a number": 1},
        ),
        (Target("classify", "text"), ["x", 2, None], ["x", None], {"target is a number, not text": 1}),
        (Target("classify", "any"), ["x", 2, True, None], ["x", 2, True, None], {}),
        (Target("classify", "any"), ["x", [1]], ["x"], {"target is of no known kind, not a class": 1}),
    ],
)
def test_answers_of_another_kind_are_left_out_and_counted(target, answers, kept, counts):
    rejects = Rejects()
    block = target.clean(Block([{"a": i} for i in range(len(answers))], answers, range(1, len(answers) + 1)), rejects)
    assert block.y == kept
    assert len(block.X) == len(block.rows) == len(kept)
    assert rejects.counts == counts


def test_rows_of_an_array_are_left_out_too():
    X = np.arange(6.0).reshape(3, 2)
    block = Target("regress", "number").clean(Block(X, [1, "x", 3], range(1, 4)), Rejects())
    assert block.X.tolist() == [[0, 1], [4, 5]]
    assert block.rows == [1, 3]


def test_a_known_task_needs_no_look_at_the_answers():
    assert assume_target("classify", (True, False)) == Target("classify", "boolean")
    assert assume_target("regress") == Target("regress", "number")
