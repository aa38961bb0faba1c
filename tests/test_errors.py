"""One sentence says what was expected, what came, where, and what to do."""

import copy
import inspect
import pickle

import pytest

from headwater import errors
from headwater.errors import (
    ConfigError,
    DataError,
    HeadwaterError,
    LimitError,
    MissingExtra,
    ModelFileError,
    TargetError,
    counted,
    did_you_mean,
)

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, HeadwaterError)]


def made(kind):
    if kind is MissingExtra:
        return MissingExtra(package="pyarrow", extra="frames", at="a.parquet")
    if kind is LimitError:
        return LimitError(limit="names", most=100, got=2500)
    return kind(expected="a number", got="'ten'", at="a.csv, line 7", help="Drop the column.")


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_shown_in_the_tree_of_the_docstring(kind):
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", TREE)
def test_every_error_survives_the_way_home_from_a_worker(kind):
    error = made(kind)
    at_home = pickle.loads(pickle.dumps(error))
    for twin in (at_home, copy.deepcopy(error)):
        assert type(twin) is kind
        assert str(twin) == str(error)
        assert twin.as_dict() == error.as_dict()


def test_the_sentence_leaves_out_what_is_not_said():
    assert str(ConfigError(expected="a", got="b")) == "expected a, got b."
    assert str(ConfigError(expected="a", got="b", at="c")) == "expected a, got b — at c."
    assert str(ConfigError(expected="a", got="b", help="Do d.")) == "expected a, got b. Do d."


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (ConfigError, ValueError),
        (DataError, ValueError),
        (TargetError, DataError),
        (ModelFileError, ValueError),
        (MissingExtra, ImportError),
    ],
)
def test_errors_are_also_what_python_calls_them(kind, builtin):
    assert isinstance(made(kind), builtin)


@pytest.mark.parametrize(
    ("name", "known", "sentence"),
    [
        ("Lat", ["late", "hour"], "Did you mean late?"),
        ("q", ["a", "b"], "Known: a, b."),
        ("q", [str(i) for i in range(14)], "Known: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more."),
        ("q", [], ""),
    ],
)
def test_a_wrong_name_is_answered_with_the_right_ones(name, known, sentence):
    assert did_you_mean(name, known) == sentence


def test_a_count_of_one_has_a_singular_noun():
    assert [counted(n, noun) for n, noun in ((1, "row"), (0, "row"), (1234, "key"), (2, "class"), (1, "class"))] == [
        "1 row",
        "0 rows",
        "1,234 keys",
        "2 classes",
        "1 class",
    ]
