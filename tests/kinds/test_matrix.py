"""Each door for each kind, on learners that have learned: it opens, or one sentence says what to do instead."""

from __future__ import annotations

import pytest

from headwater.errors import HeadwaterError

from .matrix import DOORS, cases

CASES = {case.name: case for case in cases()}
NETS = {"classify", "regress", "memory", "text", "fleet of classifiers", "fleet of regressors"}
ALONE = {case.name for case in cases() if not case.name.startswith("fleet")}
FLEETS = set(CASES) - ALONE
SERIES = {"fleet of forecasters", "fleet of related forecasters"}
PRIVATE = {"private_classify", "private_regress"}
EVERYWHERE = ("predict", "show", "diagnose FILE", "explain FILE", "store", "ask, teach", "POST explain", "notebook", "explain",
    "importance", "diagnose", "mlflow", "evaluate")  # fmt: skip
OPEN: dict[str, set[str]] = {
    **{door: set(CASES) for door in EVERYWHERE},
    "late": set(CASES) - {"anomaly", "forecast", "fleet of detectors"} - SERIES,
    "challengers": set(CASES) - {"agent", "fleet of agents", "router"} - PRIVATE,
    "weights": NETS | PRIVATE | {"anomaly", "multioutput", "fleet of detectors", "fleet of multi-output learners"},
    "coverage": NETS | SERIES | {"forecast", "multioutput", "fleet of multi-output learners"},
    "fleet": ALONE - PRIVATE - {"router"},
    "onnx": {"classify", "regress", "bandit"},
    "cluster": {"classify", "regress", "text"},
    "page": ALONE - PRIVATE - {"router"},
    "sklearn": {"classify", "regress", "memory", "text", "anomaly"},
    "delay": NETS | PRIVATE | {"bandit", "multioutput", "fleet of bandits", "fleet of multi-output learners"},
    "plot": {"classify", "regress", "memory", "text"},
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
