"""Scores of a detector of anomalies: equal to scikit-learn's, row-exact, beside the z-norm, without any need of labels."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from headwater.kinds.anomaly.ranking import Ranking, auc, average_precision, ranked
from headwater.kinds.anomaly.score import AnomalyScore
from headwater.kinds.anomaly.znorm import ZNorm
from headwater.route.verdict.verdict import compare_baselines
from headwater.types import Predictions

WINDOW = 1000

SCORES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.9995, 1.0]))
ROWS = st.lists(st.tuples(SCORES, st.sampled_from([0, 1, True, False, 1.0, None])), min_size=1, max_size=80)


def stream(n, seed=0):
    """Scores between 0 and 1 that rank labelled rows neither at random nor perfectly."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.05).astype(int)
    return np.clip(rng.random(n) ** (1 - 0.7 * labels), 0, 1), labels


@given(ROWS)
def test_area_and_precision_over_the_window_are_scikit_learns_ties_included(rows):
    watch = AnomalyScore(window=50)
    watch.update([label for _, label in rows], [score for score, _ in rows])
    last = [(score, int(label)) for score, label in rows[-50:] if label is not None]
    scores = watch.scores(window=True)["model"]
    if len({label for _, label in last}) == 2:
        said, labels = zip(*last, strict=True)
        assert scores["auc"] == pytest.approx(roc_auc_score(labels, said), abs=1e-12)
        assert scores["average_precision"] == pytest.approx(average_precision_score(labels, said), abs=1e-12)
    elif any(label is not None for _, label in rows):
        assert math.isnan(scores["auc"])
        assert math.isnan(scores["average_precision"])


@pytest.mark.parametrize("seed", range(3))
def test_area_and_precision_over_all_rows_are_scikit_learns_within_the_histogram(seed):
    scores, labels = stream(20_000, seed)
    watch = AnomalyScore()
    watch.update(labels.tolist(), scores.tolist())
    whole = watch.scores()["model"]
    assert whole["auc"] == pytest.approx(roc_auc_score(labels, scores), abs=5e-4)
    assert whole["average_precision"] == pytest.approx(average_precision_score(labels, scores), abs=2e-3)


def test_a_histogram_tells_apart_scores_that_lie_near_1():
    scores, labels = stream(5_000)
    near = 1 - (1 - scores) * 1e-4
    ranking = Ranking()
    for score, label in zip(near.tolist(), labels.tolist(), strict=True):
        ranking.add(score, label)
    assert auc(ranking.counts()) == pytest.approx(roc_auc_score(labels, near), abs=1e-3)
    assert len(ranking.counts()) < 3_000


@pytest.mark.parametrize("values", [[0.0, 0.9, 1e300, 5.0, 1.0, 0.3], [-4.0, -1e9, 7.0, 1.0, 0.5, 2.0]])
def test_a_histogram_ranks_scores_beyond_0_and_1_too(values):
    ranking = Ranking()
    for i, value in enumerate(values):
        ranking.add(value, i % 2)
    want = auc(ranked([min(max(v, -(2.0**40)), 2.0**40) for v in values], [i % 2 for i in range(len(values))]))
    assert auc(ranking.counts()) == pytest.approx(want)


def test_rows_of_one_label_have_no_area():
    assert math.isnan(auc(ranked([0.1, 0.2], [0, 0])))
    assert math.isnan(average_precision(ranked([], [])))


@given(ROWS, st.lists(st.integers(0, 80), max_size=5), st.integers(1, 90))
def test_how_rows_are_cut_into_blocks_changes_no_bit(rows, cuts, window):
    X = [{"a": score, "b": i % 3} for i, (score, _) in enumerate(rows)]
    watches = []
    for edges in ([0, len(rows)], [0, *sorted(cut % (len(rows) + 1) for cut in cuts), len(rows)]):
        watch = AnomalyScore(window=window)
        for i, j in pairwise(edges):
            forecast = Predictions(np.array([score for score, _ in rows[i:j]], np.float64))
            watch.score([label for _, label in rows[i:j]], forecast, X[i:j])
        watches.append(watch)
    for whole in (False, True):
        assert repr(watches[0].scores(window=whole)) == repr(watches[1].scores(window=whole))


def test_without_labels_alarms_and_the_mean_score_are_told_and_no_area():
    watch = AnomalyScore()
    watch.update([None] * 4, [0.2, 0.4, 0.99901, 0.4])
    assert watch.names == ("alarms", "mean_score")
    scores = watch.scores()["model"]
    assert (scores["alarms"], scores["mean_score"]) == (0.25, pytest.approx(0.4997525))
    assert math.isnan(scores["auc"])
    assert math.isnan(watch.scores()["z-norm"]["alarms"])
    watch.update([0, 1], [0.1, 0.2])
    assert watch.names == ("auc", "average_precision", "alarms", "mean_score")
    assert watch.scores()["model"]["auc"] == 1.0


@pytest.mark.parametrize(
    ("label", "problem"),
    [(None, ""), (math.nan, ""), (0, ""), (True, ""), (np.float64(1), ""), (np.bool_(False), "")]
    + [(odd, "label is neither 0 nor 1") for odd in ("yes", 2, 0.5, [1], "1")],
)
def test_a_label_is_0_or_1_or_unknown(label, problem):
    assert AnomalyScore.problem(label) == problem


def test_the_z_norm_is_the_mean_squared_deviation_with_the_row_itself_first():
    rng = np.random.default_rng(2)
    X = rng.normal(3.0, 2.0, size=(300, 4))
    X[200] += 100.0
    z = ZNorm()
    mine = [z.score(row) for row in X]
    want = [np.mean(np.clip((X[i] - X[: i + 1].mean(0)) / X[: i + 1].std(0), -10, 10) ** 2) for i in range(1, 300)]
    assert mine[0] == 0.0
    assert mine[1:] == pytest.approx(want, rel=1e-9)
    assert mine[200] == pytest.approx(100.0)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "red", [1.0], 10**400])
def test_the_z_norm_passes_over_what_is_no_number(value):
    z = ZNorm()
    for i in range(20):
        z.score({"a": float(i % 2), "odd": float(i % 3)})
    plain = ZNorm()
    for i in range(20):
        plain.score({"a": float(i % 2), "odd": float(i % 3)})
    assert z.score({"a": 5.0, "odd": value}) == plain.score({"a": 5.0})


def test_the_z_norm_stands_beside_the_model_and_a_sentence_compares_them():
    rng = np.random.default_rng(1)
    labels = rng.random(3_000) < 0.02
    X = [{"a": float(rng.normal() + 8 * label), "b": float(rng.normal())} for label in labels]
    watch = AnomalyScore()
    watch.update(labels.tolist(), rng.random(3_000).tolist(), X=X)
    scores = watch.scores()
    assert scores["z-norm"]["auc"] > 0.97
    from headwater.types import Metrics

    record = Metrics(
        rows=3_000,
        scored=3_000,
        window=1_000,
        scores=scores["model"],
        window_scores=scores["model"],
        baselines={"z-norm": scores["z-norm"]},
        window_baselines={"z-norm": scores["z-norm"]},
    )
    assert compare_baselines(record).startswith("Last 1,000 rows: AUC 0.525, behind the z-norm (")


def test_live_scores_go_on_from_their_bytes():
    scores, labels = stream(2_500)
    whole, first = AnomalyScore(history=True), AnomalyScore(history=True)
    whole.update(labels.tolist(), scores.tolist(), (), ())
    first.update(labels[:1_200].tolist(), scores[:1_200].tolist(), (), ())
    again = AnomalyScore(saved=first.to_bytes())
    again.update(labels[1_200:].tolist(), scores[1_200:].tolist(), (), ())
    assert again.report() == whole.report()
    assert again.history()["points"] == whole.history()["points"]
    report, last = whole.report(), slice(-WINDOW, None)
    assert report["n"] == 2_500
    assert report["alarms"] == int((scores > 0.999).sum())
    assert report["window"]["model"]["auc"] == pytest.approx(roc_auc_score(labels[last], scores[last]))
    assert report["model"]["mean_score"] == pytest.approx(scores.mean())


def test_live_scores_of_unlabelled_rows_have_no_area_and_those_of_none_no_numbers():
    scores = AnomalyScore(history=True)
    assert scores.report()["model"] == {"auc": None, "average_precision": None, "alarms": None, "mean_score": None}
    scores.update([None, None], [0.25, 0.75], (), ())
    window = scores.report()["window"]
    assert (window["n"], window["model"]["auc"], window["model"]["mean_score"]) == (2, None, 0.5)
