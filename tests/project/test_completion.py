"""Completion shows what is public, and every public object has help, whatever Python runs it."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pydoc

import pytest
from website import reference
from website.reference import ROOMS

import headwater as hw
from headwater.errors import MissingExtra

MODELS = {
    "Classifier": lambda: hw.Classifier(seed=1),
    "Regressor": lambda: hw.Regressor(seed=1),
    "Forecaster": lambda: hw.Forecaster(seed=1),
    "Anomaly": lambda: hw.Anomaly(seed=1),
    "Bandit": lambda: hw.Bandit(seed=1),
    "Agent": lambda: hw.Agent(actions=2, seed=1),
    "MultiOutput": lambda: hw.MultiOutput(seed=1),
    "Fleet": lambda: hw.Fleet(hw.Classifier(seed=1), key="k"),
    "Network": lambda: hw.nn.Network([hw.nn.Dense(1)]),
}


def public():
    """Yield each public name with its room, of the rooms whose packages are installed."""
    for room in ROOMS:
        with contextlib.suppress(MissingExtra):
            yield from [(room.module, name) for name in room.public()]


def has_help(member):
    """Whether a member needs no help, as a setting's default does, or has it."""
    return not (callable(member) or isinstance(member, property)) or bool(inspect.getdoc(member))


@pytest.mark.parametrize("kind", MODELS)
def test_the_completion_of_a_model_shows_only_what_has_help(kind):
    model = MODELS[kind]()
    assert "save" in dir(model)
    members = {name: inspect.getattr_static(type(model), name, None) for name in dir(model) if not name.startswith("_")}
    assert [name for name, member in members.items() if not has_help(member)] == []


@pytest.mark.parametrize("kind", sorted(set(MODELS) - {"Network"}))
def test_the_completion_of_a_learner_shows_no_name_of_other_rooms_and_nothing_that_refuses(kind):
    model = MODELS[kind]()
    names = dir(model)
    assert names == sorted(set(names))
    assert [name for name in names if name.startswith("_")] == []
    assert {"engine", "held", "lock", "refused", "resume", "decision_function", "check_limits", "saved"}.isdisjoint(
        names
    )
    for name in names:
        getattr(model, name)


@pytest.mark.parametrize("kind", sorted(set(MODELS) - {"Network"}))
def test_the_list_of_public_names_has_no_member_that_completion_leaves_out(kind):
    model = MODELS[kind]()
    assert set(reference.members(type(model))) <= set(dir(model))
    assert "check_limits" not in reference.members(type(model))


@pytest.mark.parametrize(("room", "name"), [*public()])
def test_every_public_name_has_help_of_its_own(room, name):
    thing = getattr(importlib.import_module(room), name)
    if room != "headwater.types" and (isinstance(thing, type) or inspect.isroutine(thing) or inspect.ismodule(thing)):
        told = inspect.getdoc(thing)
        assert told, f"help({room}.{name}) says nothing"
        assert not told.startswith(f"{name}("), f"help({room}.{name}) is only a signature"
        assert told.splitlines()[0] in pydoc.plain(pydoc.render_doc(thing))
