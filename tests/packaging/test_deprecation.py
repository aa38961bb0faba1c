"""What will go warns once, names its successor and the version, and is gone when that version has come."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from packaging.version import Version
from website import reference

import headwater
from headwater.errors._deprecation import deprecated


def old() -> Any:
    @deprecated("new(x)", since="1.2", gone_in="2.0")
    def twice(x: float) -> float:
        """Return twice a number.

        Formula: 2·x.
        """
        return 2 * x

    return twice


def test_the_first_call_warns_where_it_was_called_and_later_ones_do_not():
    twice = old()
    with pytest.warns(
        DeprecationWarning, match=r"twice is deprecated since version 1\.2 .* 2\.0\. Use new\(x\)\.$"
    ) as said:
        assert twice(4) == 8
    assert said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert twice(x=5) == 10


def test_a_warning_that_is_an_error_is_raised_once_and_then_it_works():
    twice = old()
    with pytest.raises(DeprecationWarning):
        twice(4)
    assert twice(4) == 8


def test_the_docstring_and_type_checkers_are_told():
    twice = old()
    said = ".. deprecated:: 1.2\n   Use new(x). It goes in version 2.0."
    assert twice.__doc__ == f"Return twice a number.\n\n{said}\n\nFormula: 2·x."
    assert twice.__deprecated__.endswith("goes in version 2.0. Use new(x).")
    assert str(inspect.signature(twice)) == "(x: 'float') -> 'float'"


def test_a_class_stays_a_class_and_warns_when_one_is_made():
    @deprecated("New", since="1.2", gone_in="2.0")
    @dataclass(frozen=True)
    class Old:
        """A pair."""

        a: int
        b: int = 2

    with pytest.warns(DeprecationWarning, match="Use New") as said:
        assert (Old(1).a, Old(1) == Old(1, 2)) == (1, True)
    assert len(said) == 1
    assert isinstance(Old(1), Old)
    assert "Use New. It goes in version 2.0." in str(Old.__doc__)


OLD_NAME = """
import warnings

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    from headwater.types import Metrics, Record
    import headwater.types

    assert headwater.types.Record is Record is Metrics
print(len(said), said[0].filename, said[0].message)
"""


def test_what_was_renamed_has_its_old_name_still_and_warns_once():
    done = subprocess.run([sys.executable, "-c", OLD_NAME], capture_output=True, text=True, check=True)
    assert done.stdout.split(" ", 2) == [
        "1",
        "<string>",
        "headwater.types.Record is deprecated since version 1.0 and goes in version 2.0. Use headwater.types.Metrics.\n",
    ]
    with pytest.raises(AttributeError, match="no attribute 'Recrd'"):
        _ = importlib.import_module("headwater.types").Recrd


def public() -> Iterator[tuple[str, Any]]:
    """Every public name and member of a class."""
    for room in reference.ROOMS:
        module = importlib.import_module(room.module)
        renamed = [(name, one) for name, one in vars(type(module)).items() if isinstance(one, property)]
        yield from ((f"{room.module}.{name}", one.fget) for name, one in renamed)
        for name in room.public():
            thing = getattr(module, name)
            yield f"{room.module}.{name}", thing
            if inspect.isclass(thing):
                yield from (
                    (f"{room.module}.{name}.{one}", inspect.getattr_static(thing, one))
                    for one in reference.members(thing)
                )


def overdue(version: str, names: Iterator[tuple[str, Any]]) -> list[str]:
    """The names that should be gone."""
    now = Version(Version(version).base_version)
    return [name for name, thing in names if (gone := getattr(thing, "__gone_in__", None)) and Version(gone) <= now]


def test_what_should_be_gone_is_gone():
    assert overdue(headwater.__version__, public()) == []
    assert overdue("2.0.0rc1", iter([("twice", old())])) == ["twice"]
    assert overdue("2.0", public()) == ["headwater.types.Record"]
    assert overdue("1.9", iter([("twice", old())])) == []
