"""What rooms hand to each other is plain, and turns into JSON."""

import json

import numpy as np

from headwater.types import Event, Metrics, Predictions, join


def test_a_record_is_json_and_what_is_not_defined_is_null():
    nan = float("nan")
    record = Metrics(
        rows=3,
        scored=2,
        window=2,
        names=("accuracy", "kappa"),
        scores={"accuracy": 0.5, "kappa": nan},
        baselines={"majority": {"accuracy": 0.5, "kappa": nan}},
        events=(Event(row=2, kind="drift_detected", text="Accuracy fell."),),
    )
    plain = json.loads(json.dumps(record.as_dict(), allow_nan=False))
    assert plain["scores"] == {"accuracy": 0.5, "kappa": None}
    assert plain["baselines"] == {"majority": {"accuracy": 0.5, "kappa": None}}
    assert plain["events"] == [{"row": 2, "kind": "drift_detected", "text": "Accuracy fell.", "size": 0.0}]
    assert plain["names"] == ["accuracy", "kappa"]


def test_forecasts_of_a_regressor_are_joined_with_their_intervals():
    pieces = [Predictions(np.array([i]), lower=np.array([i - 1.0]), upper=np.array([i + 1.0])) for i in (1.0, 2.0)]
    joined = join(pieces)
    assert joined.y_pred == [1.0, 2.0]
    assert joined.lower.tolist() == [0.0, 1.0]
    assert joined.upper.tolist() == [2.0, 3.0]
    assert joined.proba is None
    assert len(joined) == 2


def test_joining_nothing_gives_a_forecast_of_no_rows():
    assert len(join([])) == 0
