"""River's own suite, in full."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from river import checks, datasets
from river.checks import common

import headwater as hw
from support.suites import ran

ESTIMATORS = {"hw.Classifier": hw.Classifier, "hw.Regressor": hw.Regressor}


@pytest.mark.parametrize(("subject", "least"), [("hw.Classifier", 53), ("hw.Regressor", 25)])
def test_every_check_passes_and_none_is_skipped(subject, least):
    said = [check for check in ran("River") if check.subject == subject]
    assert [check for check in said if check.status != "passed"] == []
    assert len(said) >= least


@pytest.mark.parametrize("make", [lambda: hw.Classifier(hidden=(8,), dropout=0.2), lambda: hw.Regressor(effort="fast")])
def test_settings_pass_as_the_defaults_do(make):
    pytest.importorskip("sklearn.datasets", reason="River's checks learn data of scikit-learn, which is not installed")
    assert make()._unit_test_skips() == set()
    checks.check_estimator(make())


@pytest.mark.parametrize("make", ESTIMATORS.values(), ids=ESTIMATORS)
def test_learn_many_is_learn_one_as_river_checks_it_for_mini_batches(make):
    pytest.importorskip("sklearn.datasets", reason="River's checks learn data of scikit-learn, which is not installed")
    for dataset in checks._yield_datasets(make()):
        common.check_learn_many_matches_learn_one(make(), dataset)


def test_a_block_is_predicted_as_its_rows_are():
    rows = [x for x, _ in datasets.ImageSegments().take(60)]
    labels = [y for _, y in datasets.ImageSegments().take(60)]
    model = hw.Classifier()
    model.learn_many(pd.DataFrame(rows), pd.Series(labels))
    assert model.predict_many(pd.DataFrame(rows)).tolist() == [model.predict_one(x) for x in rows]
    block = model.predict_proba_many(pd.DataFrame(rows))
    single = np.array([list(model.predict_proba_one(x).values()) for x in rows])
    np.testing.assert_allclose(block, single, rtol=1e-6)
