"""The suite passes learners that keep their promises, ours among them, and finds each way of breaking one."""

from __future__ import annotations

import importlib.util
import json
import math
import pickle
import random
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import headwater as hw
from headwater import check
from headwater.interop.check import CHECKS, Broken, Report, Result, check_online_learner

FOLDER = Path(check.__file__).parent
OURS = {
    "Classifier": hw.Classifier,
    "Regressor": hw.Regressor,
    "fast Classifier": lambda: hw.Classifier(effort="fast"),
    "one net": lambda: hw.Classifier(hidden=(16,), optimizer=hw.nn.Adam(0.01), seed=3),
    "one net, float64": lambda: hw.Regressor(hidden=(16,), dtype="float64"),
    "linear": lambda: hw.Classifier(hidden=(), optimizer=hw.nn.AdaGrad(0.1)),
}


class Softmax:
    """Multinomial logistic regression on dicts, in plain Python: it keeps every promise."""

    def __init__(self) -> None:
        self.weights: dict[str, dict[str, float]] = {}

    def usable(self, x) -> dict[str, float]:
        plain = {k: v for k, v in x.items() if type(v) in (int, float) and abs(v) < 1e6}
        return {"": 1.0, **{k: max(-10.0, min(10.0, v)) for k, v in plain.items()}}

    def predict_proba_one(self, x) -> dict[str, float]:
        x = self.usable(x)
        z = {c: sum(w.get(k, 0.0) * v for k, v in sorted(x.items())) for c, w in self.weights.items()}
        top = max(z.values(), default=0.0)
        e = {c: math.exp(v - top) for c, v in z.items()}
        return {c: v / sum(e.values()) for c, v in e.items()}

    def predict_one(self, x):
        p = self.predict_proba_one(x)
        return max(p, key=p.__getitem__) if p else None

    def learn_one(self, x, y, w=1.0) -> None:
        if not isinstance(y, str):
            return
        if y not in self.weights:
            self.weights[y] = {"": -6.0}
        for c, p in self.predict_proba_one(x).items():
            for k, v in self.usable(x).items():
                self.weights[c][k] = self.weights[c].get(k, 0.0) + 0.2 * w * ((c == y) - p) * v

    def learn_many(self, X, y) -> None:
        for row, answer in zip(X, y, strict=True):
            self.learn_one(row, answer)


class Line:
    """Least squares on dicts, in plain Python: it keeps every promise of a regressor."""

    def __init__(self) -> None:
        self.weights: dict[str, float] = {}

    usable = Softmax.usable
    learn_many = Softmax.learn_many

    def predict_one(self, x) -> float:
        return sum(self.weights.get(k, 0.0) * v for k, v in sorted(self.usable(x).items()))

    def learn_one(self, x, y, w=1.0) -> None:
        if isinstance(y, float | int) and abs(y) < 1e6:
            error = max(-10.0, min(10.0, y - self.predict_one(x)))
            for k, v in self.usable(x).items():
                self.weights[k] = self.weights.get(k, 0.0) + 0.03 * w * error * v


class Idle(Softmax):
    def learn_one(self, x, y, w=1.0):
        self.weights.setdefault(y, {"": 0.0})


class Moody(Softmax):
    def predict_proba_one(self, x):
        return {c: p + 1e-9 * random.random() for c, p in super().predict_proba_one(x).items()}


class Shy(Softmax):
    def predict_one(self, x):
        if not self.weights:
            raise ValueError("not fitted yet")
        return super().predict_one(x)


class Strict(Softmax):
    def predict_proba_one(self, x):
        return super().predict_proba_one({k: x[k] for k in ("m", "n", "o")} | x)


class Nosy(Softmax):
    """Predicting adds names, and each addition moves a bias."""

    def predict_proba_one(self, x):
        for i, w in enumerate(self.weights.values()):
            w[""] += 0.01 * i * sum(k not in w for k in self.usable(x))
            w |= dict.fromkeys(self.usable(x).keys() - w.keys(), 0.0)
        return super().predict_proba_one(x)


class Scribbler(Softmax):
    """Predicting changes nothing but a counter."""

    asked = 0

    def predict_proba_one(self, x):
        self.asked += 1
        return super().predict_proba_one(x)


class Lasting(Softmax):
    """Predicting leaves the predictions as they are, but not what is learned afterwards."""

    rate = 1.0

    def predict_proba_one(self, x):
        self.rate = 0.5 if "aaa" in x else self.rate
        return super().predict_proba_one(x)

    def learn_one(self, x, y, w=1.0):
        super().learn_one(x, y, w * self.rate)


class Sorted(Softmax):
    """Weights by the rank of a name among all names, as if a matrix were filled in alphabetical order."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def usable(self, x):
        known = [k for k in self.names if k in x]
        return {
            "": 1.0,
            **{str(self.names.index(k)): v for k, v in super().usable({k: x[k] for k in known}).items() if k},
        }

    def learn_one(self, x, y, w=1.0):
        self.names = sorted({*self.names, *x})
        super().learn_one(x, y, w)


class Renumbering(Softmax):
    """A new class takes the place of another: classes are kept sorted, their weights are not."""

    def learn_one(self, x, y, w=1.0):
        fresh = isinstance(y, str) and y not in self.weights
        super().learn_one(x, y, w)
        if fresh:
            self.weights = dict(zip(sorted(self.weights), self.weights.values(), strict=True))


class Closed(Softmax):
    def learn_one(self, x, y, w=1.0):
        if len(self.weights) == 2 and y not in self.weights:
            raise ValueError("y has classes not in classes_")
        super().learn_one(x, y, w)


class Partial(Softmax):
    """A new class is named, but never learned."""

    def learn_one(self, x, y, w=1.0):
        super().learn_one(x, y, 0.0 if y == "a new one" else w)


class Ordered(Softmax):
    """What a name weighs at first depends on how many came before."""

    def learn_one(self, x, y, w=1.0):
        super().learn_one(x, y, w)
        for weights in self.weights.values():
            for i, k in enumerate(k for k in x if k not in self.__dict__.setdefault("seen", {})):
                weights[k] = weights.get(k, 0.0) + 0.01 * (i + len(self.weights))
        self.seen |= dict.fromkeys(x)


class Batched(Softmax):
    """A block is one step."""

    def learn_many(self, X, y):
        old = pickle.dumps(self.weights)
        for row, answer in zip(X, y, strict=True):
            step = Softmax()
            step.weights = pickle.loads(old)
            step.learn_one(row, answer)
            for c, w in step.weights.items():
                mine = self.weights.setdefault(c, {"": -6.0})
                for k, v in w.items():
                    mine[k] = mine.get(k, 0.0) + v - pickle.loads(old).get(c, {}).get(k, 0.0)


class Rounded(Softmax):
    def __getstate__(self):
        return {"weights": {c: {k: round(v, 6) for k, v in w.items()} for c, w in self.weights.items()}}


class Forgetful(Softmax):
    """Comes back with its weights but without its momentum."""

    def __init__(self):
        super().__init__()
        self.pace = 1.0

    def learn_one(self, x, y, w=1.0):
        self.pace *= 0.999
        super().learn_one(x, y, w * self.pace)

    def __getstate__(self):
        return {"weights": self.weights, "pace": 1.0}


class Poisoned(Softmax):
    def usable(self, x):
        return {"": 1.0, **{k: v for k, v in x.items() if isinstance(v, float)}}


class Weightless(Softmax):
    def learn_one(self, x, y, w=1.0):
        super().learn_one(x, y, 1.0)


BROKEN = {
    "learns": (Idle, "are wrong"),
    "same_history": (Moody, "two learners of the same history"),
    "cold_predict": (Shy, "raised ValueError: not fitted yet"),
    "any_sample": (Strict, "raises for a sample with no name: KeyError"),
    "predict_is_pure": (Nosy, "after a predict of unknown names: 40 of 40 predictions differ"),
    "new_features": (Sorted, "after new features of value 0: .* predictions differ"),
    "new_classes": (Renumbering, "after one sample of a new class old answers fall from 100% right to \\d%"),
    "arrival_order": (Ordered, "names in another order: .* predictions differ"),
    "block_is_single": (Batched, "blocks against single rows: .* predictions differ"),
    "resume_is_exact": (Forgetful, "a saved learner, 1 row later"),
    "poison": (Poisoned, "does not recover from inf"),
    "weight_zero": (Weightless, "after rows of weight 0: 40 of 40 predictions differ"),
}
MORE = [
    ("predict_is_pure", Scribbler, "a predict changed the saved state"),
    ("predict_is_pure", Lasting, "learning on after a predict"),
    ("new_classes", Closed, "refuses a new class: ValueError: y has classes not in classes_"),
    ("new_classes", Partial, "after 101 samples of the new class it still says"),
    ("resume_is_exact", Rounded, "a saved learner: .* predictions differ"),
]


def report_on(make, **more) -> Report:
    return check_online_learner(make, dump=pickle.dumps, load=pickle.loads, **more)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("texts", [False, True], ids=["numbers", "texts too"])
def test_our_learners_keep_every_promise(name, texts):
    report = check_online_learner(OURS[name], texts=texts, name=name)
    report.raise_if_failed()
    skipped = {r.name for r in report.of(check.NOT_OFFERED)}
    assert skipped == ({"new_classes"} if report.task == "regress" else set())
    assert {r.name for r in report.results} == set(CHECKS)


@pytest.mark.parametrize("make", [Softmax, Line])
def test_a_dozen_lines_of_python_can_keep_every_promise(make):
    report = report_on(make)
    report.raise_if_failed()
    assert len(report.of(check.PASSED)) == len(CHECKS) - (make is Line)


def test_there_is_a_learner_for_each_way_of_breaking_a_promise():
    assert list(BROKEN) == list(CHECKS)


@pytest.mark.parametrize(
    ("name", "make", "seen"),
    [(name, *entry) for name, entry in BROKEN.items()] + MORE,
    ids=lambda v: getattr(v, "__name__", v),
)
def test_a_broken_promise_is_found(name, make, seen):
    report = report_on(make, only=[name])
    with pytest.raises(Broken, match=seen):
        report.raise_if_failed()
    assert report[name].outcome == check.FAILED


def test_twins_that_differ_anyway_prove_nothing():
    report = report_on(Moody)
    twins = [name for name, entry in CHECKS.items() if entry.twins]
    assert [report[name].outcome for name in twins] == [check.NOT_OFFERED] * len(twins)
    assert "can't be told" in report["new_features"].detail


def test_what_a_learner_does_not_offer_is_said_and_fails_nothing():
    class Bare:
        def __init__(self):
            self.inner = Softmax()

        def learn_one(self, x, y):
            self.inner.learn_one(x, y)

        def predict_one(self, x):
            return self.inner.predict_one(x)

    report = check_online_learner(Bare, task="classify")
    assert report.ok
    assert {r.name: r.detail for r in report.of(check.NOT_OFFERED)} == {
        "block_is_single": "it has no learn_many",
        "resume_is_exact": "no way to save it was given (dump=…, load=…)",
        "weight_zero": "learn_one takes no weight",
    }


def test_a_classifier_of_probabilities_alone_is_checked_by_the_most_probable_class():
    class Shares:
        def __init__(self):
            self.inner = hw.Classifier(hidden=(8,), seed=1)

        def learn_one(self, x, y):
            self.inner.learn_one(x, y)

        def predict_proba_one(self, x):
            return self.inner.predict_proba_one(x)

    report = check_online_learner(Shares)
    assert (report.task, report.ok, report["learns"].outcome) == ("classify", True, check.PASSED)


class Scores:
    """An anomaly model of others: the largest distance from the running mean."""

    step = 1.0

    def __init__(self):
        self.n, self.mean = 0, {}

    def learn_one(self, x):
        self.n += 1
        for name, value in x.items():
            if isinstance(value, float) and abs(value) < 1e6:
                old = self.mean.get(name, 0.0)
                self.mean[name] = old + self.step * (value - old) / self.n

    def score_one(self, x):
        known = [abs(value - self.mean.get(name, 0.0)) for name, value in x.items() if isinstance(value, float)]
        return min(max(known, default=0.0), 1e9)


def test_an_anomaly_model_is_checked_by_its_scores():
    report = check_online_learner(Scores, dump=pickle.dumps, load=pickle.loads)
    assert (report.task, report.ok) == ("anomaly", True)
    assert report["learns"].detail == "100% of samples far away score higher than usual ones after 150 rows"
    assert {one.name for one in report.of(check.NOT_OFFERED)} == {
        "new_features",
        "new_classes",
        "block_is_single",
        "weight_zero",
    }

    class Asleep(Scores):
        step = 0.0

        def score_one(self, x):
            return 0.0

    assert check_online_learner(Asleep)["learns"].outcome == check.FAILED
    assert check_online_learner(lambda: hw.Anomaly(seed=1)).ok


def test_a_learner_that_refuses_poison_is_as_good_as_one_that_skips_it():
    class Careful(Softmax):
        def learn_one(self, x, y, w=1.0):
            if not all(type(v) in (int, float) and abs(v) < 1e6 for v in x.values()):
                raise ValueError("no such value")
            super().learn_one(x, y, w)

    found = report_on(Careful, only=["poison"])["poison"]
    assert found.outcome == check.PASSED
    assert "refuses by an exception: inf, -inf, nan, 1e+300" in found.detail


@pytest.mark.filterwarnings("error")
def test_a_learner_that_warns_of_poison_passes_where_warnings_are_errors():
    class Warns(Softmax):
        def learn_one(self, x, y, w=1.0):
            if not all(type(v) in (int, float) and abs(v) < 1e6 for v in x.values()):
                warnings.warn("no such value", stacklevel=2)
                return
            super().learn_one(x, y, w)

    found = report_on(Warns, only=["poison"])["poison"]
    assert (found.outcome, "refuses" in found.detail) == (check.PASSED, False)


def test_a_block_may_be_taught_in_its_own_way():
    def block(model, X, y):
        for row, answer in zip(X, y, strict=True):
            model.learn_one(row, answer)

    assert report_on(Batched, block=block, only=["block_is_single"]).ok


def test_a_report_reads_well_and_is_plain_data():
    report = Report("Mine", "classify", (Result("learns", check.PASSED, "x"), Result("poison", check.FAILED, "y")))
    assert str(report).splitlines() == [
        "Mine (classify): 1 passed, 1 failed, 0 not offered",
        "  ✓ learns    x",
        "  ✗ poison    y",
    ]
    assert report.as_dict()["results"][1] == {"name": "poison", "outcome": "failed", "detail": "y"}


def test_the_suite_runs_without_the_rest_of_headwater():
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("suite", {str(FOLDER / "__init__.py")!r},
    submodule_search_locations=[{str(FOLDER)!r}])
suite = importlib.util.module_from_spec(spec)
sys.modules["suite"] = suite
spec.loader.exec_module(suite)
class Zero:
    def learn_one(self, x, y): pass
    def predict_one(self, x): return 0.0
print(suite.check_online_learner(Zero)["cold_predict"].outcome, "headwater" in sys.modules, "numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["passed", "False", "False"]
    assert importlib.util.find_spec("headwater.interop.check") is not None


def test_the_page_says_what_ran_and_ours_still_holds():
    root = FOLDER.parents[3]
    rivals = runpy.run_path(str(root / "tools/docs/check/run.py"))
    ran = json.loads((root / "tools/docs/check/ran.json").read_text())
    assert list(ran) == list(rivals["ENVIRONMENTS"])
    promises = {name: entry.promise for name, entry in CHECKS.items()}
    assert rivals["page"](ran, promises) == (root / "docs/check.md").read_text(), "run tools/docs/check/run.py"
    assert {r["outcome"] for report in ran["headwater"]["reports"] for r in report["results"]} <= {
        check.PASSED,
        check.NOT_OFFERED,
    }
