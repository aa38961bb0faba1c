"""Each door for each kind, on learners that have learned: it opens, or one sentence says what to do instead."""

from __future__ import annotations

import inspect

import pytest

from headwater.errors import HeadwaterError

from .matrix import DOORS, cases

CASES = {case.name: case for case in cases()}
NETS = {"classify", "regress", "memory", "text", "fleet of classifiers", "fleet of regressors"}
ALONE = {case.name for case in cases() if not case.name.startswith("fleet")}
FLEETS = set(CASES) - ALONE
SERIES = {"fleet of forecasters", "fleet of related forecasters"}
WEIGHED = ("agents", "bandits", "detectors", "forecasters", "multi-output learners")
PRIVATE = {"private_classify", "private_regress"}
EVERYWHERE = ("predict", "show", "diagnose FILE", "explain FILE", "store", "ask, teach", "POST explain", "notebook", "explain",
    "importance", "diagnose", "mlflow", "evaluate")  # fmt: skip
OPEN: dict[str, set[str]] = {
    **{door: set(CASES) for door in EVERYWHERE},
    "late": set(CASES) - {"anomaly", "fleet of detectors", "fleet of related forecasters"},
    "challengers": set(CASES) - {"agent", "fleet of agents", "router"} - PRIVATE,
    "weights": NETS
    | PRIVATE
    | {"agent", "anomaly", "bandit", "forecast", "multioutput"}
    | {f"fleet of {n}" for n in WEIGHED},
    "coverage": NETS | SERIES | {"forecast", "multioutput", "fleet of multi-output learners"},
    "fleet": ALONE - PRIVATE - {"router"},
    "onnx": {"classify", "regress", "bandit", "agent", "multioutput"},
    "cluster": {"classify", "regress", "text", "multioutput", "fleet of classifiers", "fleet of regressors"},
    "page": ALONE - PRIVATE - {"router"},
    "sklearn": {"classify", "regress", "memory", "text", "anomaly", "multioutput"},
    "delay": NETS | PRIVATE | {"bandit", "multioutput", "fleet of bandits", "fleet of multi-output learners"},
    "plot": set(CASES),
    "report": set(CASES) - PRIVATE,
}
"""The cells that work. All others refuse in a sentence."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("door", DOORS)
def test_a_door_opens_or_says_in_one_sentence_what_to_do_instead(door, name, tmp_path):
    case = CASES[name]
    if name in OPEN[door]:
        DOORS[door](case, case.taught(), tmp_path)
        return
    with pytest.raises(HeadwaterError) as refused:
        DOORS[door](case, case.taught(), tmp_path)
    assert refused.value.help
    assert "Report" not in refused.value.help
    assert "\n" not in str(refused.value)


def test_every_door_says_for_which_kinds_it_is_open():
    assert set(OPEN) == set(DOORS)


NO_ROWS = {"clone", "ranking", "frontier"}
"""Methods that take settings or a count."""
BETWEEN_ROOMS = {"as_read", "as_observed", "pairs_in", "answering"}
"""Methods of which a user sees nothing but of fleets, where ``dir`` lists all."""
WRONG = (None, 1, "x", {}, [], [None], [1], {"a": object()})
"""What is no row, no rows, or rows without anything in them."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_no_public_method_of_a_learner_answers_a_wrong_value_with_an_error_of_python(name, tmp_path, monkeypatch):
    """``predict_many`` of a single dict said that slices can't be hashed."""
    monkeypatch.chdir(tmp_path)  # some write a file of that name
    learner, bare = CASES[name].taught(), []
    methods = [one for one in dir(learner) if not one.startswith("_") and one not in NO_ROWS | BETWEEN_ROOMS]
    for method in methods:
        call = getattr(learner, method, None)
        if not callable(call):
            continue
        for value in WRONG:
            try:
                inspect.signature(call).bind(value)
            except TypeError:  # it takes more than one value, or none
                continue
            try:
                call(value)
            except HeadwaterError:
                continue
            except KeyError:
                if "keys" not in learner.kind.can:  # a fleet is a mapping, and says KeyError of an unknown key
                    raise
            except Exception as error:  # noqa: BLE001 - any other is what the test looks for
                bare.append(f"{method}({value!r:.30}): {type(error).__name__}: {error}"[:150])
    assert bare == []
