"""The rule of the house for the hot loops: what a table names has its branch in the switch, and specs fit their
routines.

Read from the source, as ``tests/test_house.py`` does; that each branch computes the right thing is the other
files' part.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

from headwater import nn
from headwater.kernels import _op, batch, loss, machine, optim
from headwater.kernels._jit import JIT, ROUTINES, addresses
from headwater.kernels._op import LOSSES, OPS, RULES

SCALARS, ARRAYS = set("ifbt"), set("nrp")


def source_of(routine) -> ast.FunctionDef:
    """Syntax tree of a kernel, compiled or plain."""
    function = getattr(routine, "py_func", routine)
    return next(n for n in ast.parse(inspect.getsource(function)).body if isinstance(n, ast.FunctionDef))


def compared(routine, module) -> set[int]:
    """Codes that a switch compares its argument with: ``code == _NAME``, by the module's value of _NAME."""
    return {
        getattr(module, side.id)
        for node in ast.walk(source_of(routine))
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)
        for side in node.comparators
        if isinstance(side, ast.Name) and side.id.startswith("_")
    }


def routine(name: str):
    return next(f for f, _ in ROUTINES.values() if getattr(f, "py_func", f).__name__ == name)


def test_every_operation_has_its_branch_forward_and_backward():
    activations = {row.code for row in OPS.values() if row.kind == "activation"}
    others = {OPS[name].code for name in ("dense", "layer_norm", "batch_norm", "dropout")}
    fallback = {OPS["identity"].code}  # the last branch of both switches is the identity
    inner = {OPS["batch_norm"].code}  # normalise and backward_norm: layer norm, else batch norm
    first_layer = {OPS["rows"].code, OPS["embedding"].code}  # read_rows, once for all experts, before the switch

    forward = compared(routine("forward_op"), machine) | compared(routine("activate"), machine)
    backward = compared(routine("backward_op"), machine) | compared(routine("differentiate"), machine)
    backward |= compared(routine("normalise"), machine) | compared(routine("backward_norm"), machine)

    assert forward | fallback == activations | others
    assert backward | fallback | inner == activations | others
    assert activations | others | first_layer == {row.code for row in OPS.values()}


def test_every_loss_has_its_branch():
    codes = {row.code for row in LOSSES.values()}
    assert compared(loss.evaluate, loss) | {LOSSES["quantile"].code} == codes  # the last branch is the quantile loss
    links = {row.code for row in LOSSES.values() if row.link != "identity"}
    assert compared(loss.predict, loss) == links  # the last branch is the identity


def test_every_rule_has_its_branch():
    assert compared(routine("step"), optim) == {row.code for row in RULES.values()}  # the last branch only accumulates


def test_batches_are_updated_for_every_operation_that_has_parameters():
    assert compared(batch.apply_batch, batch) == {
        *(OPS[name].code for name in ("dense", "layer_norm", "batch_norm")),
        RULES["nadam"].code,
    }


@pytest.mark.parametrize("table", [OPS, LOSSES, RULES])
def test_codes_are_places_in_the_table_and_rows_say_formula_and_source(table):
    assert [row.code for row in table.values()] == list(range(len(table)))
    assert all(row.formula and row.source and row.name == name for name, row in table.items())


def test_every_spec_has_a_letter_for_every_argument_and_only_known_letters():
    for function, spec in ROUTINES.values():
        parameters = inspect.signature(getattr(function, "py_func", function)).parameters
        letters = spec.split()
        assert len(letters) == len(parameters), getattr(function, "__name__", function)
        assert set(letters) <= SCALARS | ARRAYS


def test_every_call_of_a_routine_passes_as_many_arguments_as_its_spec_says():
    wrong, seen = [], set()
    for path in sorted(Path(machine.__file__).parent.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "call"):
                continue
            place, given = node.args[1], node.args[3]
            if not isinstance(given, ast.Tuple):  # a tuple that was built the line before
                continue
            code = getattr(_op, place.id)
            seen.add(place.id)
            if len(given.elts) != len(ROUTINES[code][1].split()):
                wrong.append(f"{path.name}:{node.lineno}: {place.id}")
    assert wrong == []
    assert len(seen) > 5


@pytest.mark.skipif(not JIT, reason="HEADWATER_JIT=0: routines have no addresses")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_routine_has_an_address_of_its_own(dtype):
    found = addresses(np.dtype(dtype))
    assert set(found) == set(ROUTINES)
    assert len(set(found.values())) == len(ROUTINES)
    assert all(found.values())


def test_layers_losses_and_optimizers_are_the_tables_in_the_users_words():
    assert set(nn.ACTIVATIONS) == {row.name for row in OPS.values() if row.kind == "activation"}
    assert {rule.rule.name for rule in nn.OPTIMIZERS.values()} == set(RULES)
    assert all(len(kind().numbers()) <= 4 for kind in nn.OPTIMIZERS.values())
    assert all(nn.Loss(name).row is row for name, row in LOSSES.items())


def test_the_state_of_a_rule_that_claims_exact_laziness_is_said_to_be_exact():
    assert {row.name for row in RULES.values() if row.exact_lazy} == {"sgd", "adagrad", "ftrl", "cocob"}
    assert all(row.lazy.startswith("exact") == row.exact_lazy for row in RULES.values())
