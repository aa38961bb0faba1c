"""A baseline that wins is named, and so is whether the model has caught up."""

import pytest

from headwater.types import Record
from headwater.watch import verdict


def record(score, model, baselines, window=None, window_baselines=None, scored=5_000):
    def named(value):
        return {score: value}

    return Record(
        rows=scored,
        scored=scored,
        window=min(1_000, scored),
        scores=named(model),
        window_scores=named(model if window is None else window),
        baselines={name: named(value) for name, value in baselines.items()},
        window_baselines={name: named(value) for name, value in (window_baselines or baselines).items()},
    )


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (record("accuracy", 0.9, {"no-change": 0.85, "majority": 0.6}), ""),
        (
            record("accuracy", 0.821, {"no-change": 0.853, "majority": 0.6}),
            "The no-change baseline wins: repeating the last known answer has accuracy 85.3 %, the model 82.1 %.",
        ),
        (
            record("accuracy", 0.5, {"no-change": 0.6, "majority": 0.7}, window=0.8),
            (
                "The majority baseline wins: always giving the most frequent class has accuracy 70.0 %, "
                "the model 50.0 %; over the last 1,000 rows the model is ahead."
            ),
        ),
        (
            record("rmse", 3.0, {"no-change": 4.0, "mean": 2.5}),
            "The mean baseline wins: always giving the mean so far has RMSE 2.5, the model 3.",
        ),
        (record("rmse", 2.0, {"no-change": 4.0, "mean": 2.5}), ""),
        (
            record("accuracy", 0.5, {"no-change": 0.5, "majority": 0.2}, scored=10),
            "The no-change baseline is as good: repeating the last known answer has accuracy 50.0 %, the model 50.0 %.",
        ),
        (Record(rows=0, scored=0, window=0), ""),
    ],
)
def test_the_verdict_is_one_plain_sentence(record, sentence):
    assert verdict(record) == sentence
