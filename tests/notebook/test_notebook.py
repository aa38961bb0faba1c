"""What a notebook shows: HTML of learners and results, escaped and without scripts; a curve that is renewed in place."""

import sys
from html.parser import HTMLParser
from types import ModuleType

import pytest

import headwater as hw
from headwater.errors import ModelFileError
from headwater.interop.notebook import LiveCurve, html
from headwater.plot import learning_curve

ROWS = [({"a": i % 7, "<b>": "xyz"[i % 3]}, "<yes>" if i % 7 > 3 else "no") for i in range(1_500)]


class Page(HTMLParser):
    """The tags and the text of a piece of HTML, which must be balanced."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name in ("src", "href")]

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def run():
    model = hw.Classifier(seed=1)
    return model, hw.evaluate(model, ROWS, every=500)


def shown(value):
    page = Page(value._repr_html_())
    assert "script" not in page.tags
    return page


def test_a_learner_shows_its_settings_what_it_has_learned_and_its_experts(run):
    model, evaluation = run
    page = shown(model)
    assert "Classifier(seed=1)" in page.text
    assert "1,500 rows learned" in page.text
    assert "2 features: a, <b>" in page.text
    assert "2 classes: no, <yes>" in page.text
    assert page.tags.count("tr") == 2 + len(model.experts_) + len(evaluation.record.names)
    assert evaluation.record.verdict.splitlines()[0].split(",")[0] in page.text  # the session it was in
    assert "Nothing learned yet." in shown(hw.Regressor((8,))).text
    net = shown(hw.nn.Network([hw.nn.Dense(4, "relu"), hw.nn.Dense(1)])).text
    assert "Dense(units=4, activation='relu'" in net


def test_a_record_and_an_evaluation_show_the_scores_beside_the_baselines(run):
    _, evaluation = run
    record = shown(evaluation.record)
    assert "balanced accuracy" in record.text
    assert f"{100 * evaluation.record.scores['accuracy']:.2f} %" in record.text
    assert record.text.count("majority") == 2  # over all rows, and over the last 1,000
    assert record.tags.count("svg") == 0
    pytest.importorskip("matplotlib")  # which draws the learning curve
    assert shown(evaluation).tags.count("svg") == 1


def test_an_evaluation_needs_no_matplotlib(run, monkeypatch):
    monkeypatch.setattr("headwater.interop.notebook.representation.find_spec", lambda name: None)
    page = shown(run[1])
    assert "svg" not in page.tags
    assert "accuracy" in page.text


def test_a_diagnosis_and_an_explanation_are_shown(run):
    model, _ = run
    diagnosis = model.diagnose()
    text = shown(diagnosis).text
    for finding in diagnosis:
        assert finding.text in text
        assert finding.remedy in text
    why = shown(model.explain_one({"a": 5, "<b>": "x"}))
    assert "<b> = x" in why.text
    assert "span" in why.tags


def test_anything_else_is_shown_as_its_repr():
    assert "&lt;object" in html(object())


def test_a_live_curve_is_shown_once_and_then_renewed_in_place(monkeypatch):
    shows = []

    class Handle:
        def update(self, value):
            shows.append(("renewed", value._repr_html_()))

    def display(value, display_id):
        assert display_id is True
        shows.append(("shown", value._repr_html_()))
        return Handle()

    ipython, screen = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython, screen.display = object, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", screen)
    monkeypatch.setattr("headwater.interop.notebook.live.find_spec", lambda name: object())
    live = LiveCurve(least_s=0)
    hw.evaluate(hw.Classifier(seed=1), ROWS[:400], every=100, on_record=live)
    assert [kind for kind, _ in shows] == ["shown", "renewed", "renewed", "renewed"]
    assert "400 rows" in Page(shows[-1][1]).text
    assert [record.rows for record in live.records] == [100, 200, 300, 400]


def test_the_learning_curve_of_a_fit_has_its_losses_and_the_best_epoch():
    net = hw.nn.Network([hw.nn.Dense(4, "tanh"), hw.nn.Dense(1)], seed=1)
    X = [[i / 50, 1.0] for i in range(50)]
    y = [x[0] ** 2 for x in X]
    history = net.fit(X, y, epochs=5, validation=(X, y))
    lines = {line.get_label(): line for line in learning_curve(history).axes[0].lines}
    assert lines["training"].get_ydata().tolist() == history.loss
    assert lines["validation"].get_ydata().tolist() == history.validation_loss
    assert lines["best epoch"].get_xdata()[0] == history.best_epoch


def test_completion_names_every_room():
    names = dir(hw)
    for name in (
        "Classifier",
        "diagnose",
        "evaluate",
        "explain",
        "load",
        "loggers",
        "mlflow",
        "nn",
        "notebook",
        "plot",
    ):
        assert name in names
        getattr(hw, name)
    assert names == sorted(set(names))


def test_what_a_file_must_hold_can_be_said(tmp_path):
    model = hw.Regressor((4,), seed=1)
    model.learn_one({"a": 1.0}, 2.0)
    model.save(tmp_path / "m.hw")
    assert isinstance(hw.load(tmp_path / "m.hw", hw.Regressor), hw.Regressor)
    with pytest.raises(ModelFileError, match="expected a Classifier, got a Regressor"):
        hw.load(tmp_path / "m.hw", hw.Classifier)
