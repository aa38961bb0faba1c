"""Pictures show the numbers they were given, and the report needs nothing but itself."""

import io
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

import headwater as hw
from headwater import explain, plot
from headwater.errors import ConfigError, MissingExtra
from headwater.plot.episodes import largest
from headwater.plot.paper import COLOURS, as_svg, axes, figure
from headwater.route.evaluate import evaluate
from headwater.route.session import Session
from headwater.types import Event, Metrics


def concept(n=4_000, change_at=2_500, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = {"a": rng.normal(), "b <&>": rng.normal(), "c": "uv"[rng.integers(2)]}
        yield x, "yes" if (x["a"] if i < change_at else x["b <&>"]) > 0 else "no"


@pytest.fixture(scope="module")
def run():
    model, report = hw.Classifier(seed=1), plot.Report("a <concept> & its end")
    Session(model, watch=report.watchers, on_record=report.on_record, every=500).run(concept())
    return model, report


def labels(ax):
    return [line.get_label() for line in ax.lines]


def test_a_learning_curve_shows_the_model_the_baselines_and_the_drift(run):
    _, report = run
    (ax,) = plot.learning_curve(report.records).axes
    lines = {line.get_label(): line for line in ax.lines}
    assert {"model", "no-change", "majority", "drift"} <= set(lines)
    assert lines["model"].get_xdata().tolist() == [record.rows for record in report.records]
    assert lines["model"].get_ydata().tolist() == [record.window_scores["accuracy"] for record in report.records]
    drift = [event.row for record in report.records for event in record.events if event.kind == "drift_detected"]
    assert lines["drift"].get_xdata()[0] == drift[0]


def test_any_score_and_an_evaluation_can_be_drawn():
    evaluation = evaluate(hw.Regressor(seed=1), [({"a": float(i % 7)}, float(i % 7)) for i in range(600)], every=200)
    assert plot.learning_curve(evaluation).axes[0].get_ylabel() == "RMSE"
    assert plot.learning_curve(evaluation, "mae").axes[0].get_ylabel() == "MAE"
    assert plot.learning_curve([]).axes[0].texts[0].get_text() == "No scores yet."


def test_a_confusion_matrix_has_the_shares_of_each_answer():
    ax = plot.confusion(Counter({("a", "a"): 3, ("a", "b"): 1, ("b", "b"): 2})).axes[0]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert [text.get_text() for text in ax.texts] == ["75%\n3", "25%\n1", "0%\n0", "100%\n2"]
    many = plot.confusion({(i, i): i + 1 for i in range(40)}).axes[0]
    assert many.images[0].get_array().shape == (15, 15)
    assert "of 40 classes" in many.get_title(loc="left")


def test_every_scored_row_is_in_the_confusion_matrix(run):
    _, report = run
    right = sum(count for (y, y_pred), count in report.outcomes.pairs.items() if y == y_pred)
    assert report.outcomes.pairs.total() == 3_999
    assert right / 3_999 == pytest.approx(report.records[-1].scores["accuracy"])


def test_calibration_is_the_share_that_came_true():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 20_000)
    ax = plot.calibration(p, rng.random(20_000) < p).axes[0]
    np.testing.assert_allclose(ax.lines[1].get_xdata(), [0.55, 0.65, 0.75, 0.85, 0.95], atol=0.01)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), ax.lines[1].get_xdata(), atol=0.03)
    assert "expected error 0 %" in ax.get_title(loc="left") or "expected error 1 %" in ax.get_title(loc="left")


def test_calibration_of_a_session_is_that_of_its_predictions(run):
    _, report = run
    rows, said, came = report.outcomes.bins.sum(0)
    assert rows == 3_999  # before the first class was known there was no probability
    assert came / rows == pytest.approx(report.records[-1].scores["accuracy"], abs=0.001)
    assert 0.5 < said / rows < 1


def test_calibration_of_many_classes_is_of_the_prediction_and_of_each_class():
    rng = np.random.default_rng(0)
    outcomes, model = plot.Outcomes(), hw.Classifier(seed=1)
    rows = [({"a": a, "b": b}, "uvw"[int(a + e > 0) + int(b > 1)]) for a, b, e in rng.normal(size=(3_000, 3)).tolist()]
    record = Session(model, watch=outcomes).run(rows)
    rows_seen, said, came = outcomes.bins.sum(0)
    assert rows_seen == 2_999  # before the first class was known there was no probability
    assert came / 2_999 == pytest.approx(record.scores["accuracy"])
    assert said / rows_seen == pytest.approx(came / rows_seen, abs=0.05)
    for label in "uvw":
        seen, said, came = outcomes.by_class[label].sum(0)
        assert came == sum(y == label for _, y in rows[1:])
        assert said / seen == pytest.approx(came / seen, abs=0.03)
    ax = plot.calibration(outcomes=outcomes, by_class=True).axes[0]
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {"perfect", "u", "v", "w"}
    assert plot.calibration(outcomes=outcomes).axes[0].get_title(loc="left").startswith("calibration (expected error")


def test_layers_show_weights_and_activations(run):
    model, _ = run
    hidden = next(e for e, expert in enumerate(model._engine.core.experts) if len(expert.layers) > 1)
    fig = plot.layers(model, expert=hidden)
    assert [ax.get_title(loc="left").split(":")[0] for ax in fig.axes] == ["layer 1", "layer 1", "layer 2", "layer 2"]
    assert all(ax.patches for ax in fig.axes)
    assert "silent" in fig.axes[1].get_xlabel()
    last = len(model._engine.core.experts) - 1
    with pytest.raises(ConfigError, match=f"expected an expert from 0 to {last}"):
        plot.layers(model, expert=99)
    alone = hw.Regressor((4,), seed=1)
    alone.learn_one({"a": 1.0}, 1.0)
    assert plot.layers(alone).axes[1].patches
    alone._sample = None  # as in a model from a file of an older version
    assert plot.layers(alone).axes[1].texts[0].get_text() == "No rows kept. Pass X."


def test_importance_explanation_dependence_and_shape_are_drawn(run):
    model, report = run
    assert {"a", "b <&>"} <= set(labels(plot.importance(report.importance).axes[0]))
    why = model.explain_one({"a": 1.0, "b <&>": 0.5, "c": "u"})
    bars = plot.explanation(why).axes[0].patches
    assert [bar.get_width() for bar in bars] == [part for _, part in why.top()[::-1]]
    dependence = explain.PartialDependence("a", grid=[-1.0, 1.0])
    dependence.update({"a": 0.0, "c": "u"}, model)
    assert plot.partial_dependence(dependence).axes[0].lines[0].get_xdata().tolist() == [-1.0, 1.0]
    curve = explain.shape(model, "c")
    assert len(plot.shape(curve, model.classes).axes[0].lines) == 3


def test_answers_of_a_regressor_are_drawn():
    outcomes = plot.Outcomes()
    Session(hw.Regressor(seed=1), watch=outcomes).run(({"a": float(i % 7)}, float(i % 7)) for i in range(3_000))
    assert len(outcomes.sample) == 1_000
    assert len(plot.answers(outcomes.sample).axes[0].collections[0].get_offsets()) == 1_000
    assert plot.answers([]).axes[0].texts[0].get_text() == "No row was scored yet."


def test_of_many_drifts_the_five_largest_are_drawn_and_told_each_with_those_near_it():
    kind, sizes = "drift_detected", [0.1, 0.5, 0.2, 0.3, 0.4, 0.25, 0.15, 0.45]
    events = tuple(Event(1_000 * (i + 1), kind, f"drift {i}", size) for i, size in enumerate(sizes))
    near = Event(2_010, kind, "near drift 1", 0.05)
    found = largest([*events, near], 10_000)
    assert [(episode.event.text, episode.near) for episode in found] == [
        ("drift 1", 1),
        ("drift 3", 0),
        ("drift 4", 0),
        ("drift 5", 0),
        ("drift 7", 0),
    ]
    records = [
        Metrics(10_000, 10_000, 100, ("accuracy",), {"accuracy": 0.7}, {"accuracy": 0.8}, events=(*events, near))
    ]
    ax = plot.learning_curve(records).axes[0]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_color() == COLOURS[1]] == [2e3, 4e3, 5e3, 6e3, 8e3]
    assert [text.get_text() for text in ax.texts] == ["1", "2", "3", "4", "5"]
    report = plot.Report("many drifts")
    report.records = records
    page = report._drift()
    assert "Drift was detected 9 times. These are the 5 largest:" in page
    assert page.count("<li>") == 5
    assert "row 2,000 (1 more near it): drift 1" in page


def test_a_report_has_its_date_settings_captions_and_a_dark_theme(run):
    model, report = run
    page = report.html(model, datetime(2026, 3, 5, 9, 7, tzinfo=UTC))
    assert "Report of 5 March 2026, 09:07." in page
    assert "<dt>model</dt><dd>Classifier(seed=1)</dd>" in page
    assert "<dt>window of the scores</dt><dd>1,000 rows</dd>" in page
    assert "b &lt;&amp;&gt; (number)" in page
    assert page.count("<figcaption>") == page.count("<svg") == 6
    assert "@media (prefers-color-scheme: dark)" in page
    assert "#333333" not in page  # text takes the page's colour
    assert "var(--colour-0, #0072b2)" in page
    assert re.search("<path[^>]*fill: #ffffff", page) is None  # no white ground behind the pictures
    for span in ("all rows", "last 1,000 rows"):  # tables of their own, narrow enough for a phone
        table = page[page.index(f"<caption>{span}</caption>") :].split("</table>")[0]
        assert re.findall("<th[^>]*>([^<]*)</th>", table) == ["model", "no-change", "majority"]


def inside(value):
    return value.startswith(("#", "data:"))


class Links(HTMLParser):
    """Collects what a page would load, and whether its tags are balanced."""

    def __init__(self):
        super().__init__()
        self.loads, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href", "xlink:href") and not inside(value)]
        self.loads += [tag] if tag in ("script", "link", "iframe", "img") else []

    def handle_startendtag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href", "xlink:href") and not inside(value)]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_loads_nothing_and_escapes_names(run, tmp_path):
    model, report = run
    report.write(model, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.loads == []
    assert links.open == []
    assert re.findall(r"url\((?!#)", page) == []
    assert "<h1>a &lt;concept&gt; &amp; its end</h1>" in page
    assert page.count("<svg") == 6
    assert "b <&>" not in page
    assert "Predictions became dearer" in page


def test_the_report_of_a_regressor_has_answers_in_place_of_confusion():
    model, report = hw.Regressor((8,), seed=1), plot.Report("numbers")
    rows = np.random.default_rng(0).normal(size=(800, 2))
    Session(model, watch=report.watchers, on_record=report.on_record, every=200).step(rows, rows[:, 0].tolist())
    page = report.html(model)
    assert "answers against predictions" in page
    assert "confusion" not in page


def test_chinese_names_are_drawn_with_a_font_that_has_them_where_one_is_installed():
    from headwater.plot.fonts import _eastern

    if not _eastern():
        pytest.skip("no font with Chinese characters")
    fig = figure(4, 3)
    ax = axes(fig, title="特征重要性", x="损失", y="")
    ax.set_yticks([0, 1], labels=["温度", "temperature"])
    fig.savefig(io.BytesIO(), format="png")  # a letter that no font has would be a warning, so an error here
    assert ax.xaxis.label.get_fontfamily()[-1] == _eastern()[0]
    assert [len(label.get_fontfamily()) for label in ax.get_yticklabels()] == [2, 1]


def test_letters_of_a_figure_in_a_page_are_those_of_the_page():
    fig = figure(4, 3)
    axes(fig, title="accuracy", x="rows", y="")
    svg = as_svg(fig)
    assert "DejaVu" not in svg
    assert re.search(r"font-size: [\d.]+px", svg)


def test_a_figure_becomes_the_same_svg_twice():
    first, second = figure(3, 2), figure(3, 2)
    for fig in (first, second):
        fig.add_subplot().plot([1, 2], [3, 4])
    assert as_svg(first) == as_svg(second)
    assert as_svg(first).startswith("<svg")
    assert " width=" not in as_svg(first)[: as_svg(first).index(">")]


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"pip install 'headwater\[plot\]'"):
        figure()
