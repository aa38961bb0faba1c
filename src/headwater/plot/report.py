"""Write a self-contained page about one run, with scores, curves, drift, diagnosis and feature importance."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.diagnose import Diagnosis, diagnose
from headwater.errors import HeadwaterError, counted
from headwater.explain import Explanation, Importance, explain_one
from headwater.learner.kind import check_can, has_classes, kind_of
from headwater.plot.curves import importance, importances, learning_curve
from headwater.plot.episodes import SHOWN, Episode, largest
from headwater.plot.inside import layers
from headwater.plot.outcome import Outcomes, answers, calibration, confusion, explanation
from headwater.plot.page import page_of
from headwater.plot.paper import as_svg
from headwater.plot.series import forecast
from headwater.route.drift import DriftWatch
from headwater.route.verdict.numbers import figure_cell
from headwater.route.verdict.verdict import comparisons_of, leads_of, lines_of
from headwater.route.watcher import Watcher
from headwater.types import Event, Metrics, ScoredRows, Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report"]

_FEATURES = 12  # listed by name; the others are counted
_ANSWERS = 200  # of a series, drawn before its forecast
_OUTPUTS = 4  # explained, of a learner of many
_KEYS = 10  # of a fleet, listed


class Report:
    """Collect what a page about a run shows, as metrics of a `Session`, and write the page.

    Parameters
    ----------
    title
        The page's heading.
    drift
        The drift detector; ADWIN on the loss by default.

    Examples
    --------
    >>> import numpy as np
    >>> from headwater import Classifier
    >>> from headwater.route.session import Session
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> model, report = Classifier(seed=1), Report("three numbers")
    >>> _ = Session(model, watch=report.watchers, on_record=report.on_record, every=200).step(X, (X[:, 0] > 0).tolist())
    >>> page = report.html(model)
    >>> "<h1>three numbers</h1>" in page, page.count("<svg") > 3
    (True, True)
    """

    def __init__(self, title: str, *, drift: DriftWatch | None = None) -> None:
        self.title = title
        self.records: list[Metrics] = []
        self.outcomes = Outcomes()
        self.importance = Importance(every=128)
        self.last = LastRows()
        self.drift = drift or DriftWatch()

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """Metrics to pass to a `Session` of a classifier or a regressor as ``watch``."""
        return self.outcomes, self.importance, self.drift

    def watchers_for(self, model: Any) -> tuple[Watcher, ...]:
        """Return metrics to pass to a `Session` of any learner as ``watch``."""
        return self.watchers if _has_layers(model) else (self.last, self.drift)

    def on_record(self, record: Metrics) -> None:
        """Store a record. Pass this method to a session as ``on_record``."""
        self.records.append(record)

    def html(self, model: Any, when: datetime | None = None) -> str:
        """Return the page as HTML with inline style and figures, without scripts or links.

        Parameters
        ----------
        model
            The learner of the run.
        when
            The time shown on the page; now by default.

        Raises
        ------
        ConfigError
            If the learner is private, since scores are exact functions of labels.
        """
        check_can(model, "report", at="report")
        parts = [
            f"<h1>{escape(self.title)}</h1>",
            self._lead(model, when or datetime.now().astimezone()),
            self._scores(),
            _figure(
                learning_curve(self.records),
                "The score over the last rows, of the model and of trivial baselines.",
            ),
            self._drift(),
            _findings(model),
            *(self._pictures(model) if _has_layers(model) else self._views(model)),
            self._settings(model),
        ]
        return page_of(self.title, parts)

    def write(self, model: Any, path: str | Path, when: datetime | None = None) -> None:
        """Write the page to a file."""
        Path(path).write_text(self.html(model, when), encoding="utf-8")

    def _lead(self, model: Any, when: datetime) -> str:
        about, kind = model.describe(), kind_of(model)
        size = f"{kind.one} of {counted(about['parameters'], 'parameter')}" if "parameters" in about else kind.one
        text = f"{size[0].upper()}{size[1:]} that has learned {counted(about['n_learned'], 'row')} of "
        text += f"{counted(len(about['features']), 'feature')}."
        date = f"{when.day} {when:%B %Y, %H:%M}"
        return f'<p class="lead soft">{escape(text)} Report of {date}.</p>{self._verdict()}'

    def _verdict(self) -> str:
        """Return the lines of the verdict, lately large and since the start below."""
        said = ""
        for line in lines_of(comparisons_of(self.records[-1])) if self.records else ():
            output = f"<bdi>{escape(line.output)}</bdi> · " if line.output else ""
            said += f'<p class="verdict {line.state}">{output}{escape(line.recent or line.overall)}</p>'
            said += f'<p class="soft">{escape(line.overall)}</p>' if line.recent else ""
        leads = leads_of(self.records[-1]) if self.records else ()
        return said + "".join(f'<p class="soft">{escape(sentence)}</p>' for sentence in leads)

    def _scores(self) -> str:
        if not self.records:
            return ""
        record = self.records[-1]
        spans = [("all rows", {"model": record.scores} | record.baselines)]
        if record.window < record.scored:
            spans.append((f"last {record.window:,} rows", {"model": record.window_scores} | record.window_baselines))
        tables = "".join(_score_table(span, record.names, scores) for span, scores in spans)
        return f'<h2>Scores</h2><div class="side">{tables}</div>'

    def _drift(self) -> str:
        events: list[Event] = [event for record in self.records for event in record.events]
        drifts = [event for event in events if event.kind.endswith("drift_detected")]
        others = [event for event in events if event not in drifts]
        acts = "".join(f"<li>row {event.row:,}: {escape(event.text)}</li>" for event in others[:SHOWN])
        more = f"<li>… and {len(others) - SHOWN:,} more</li>" if len(others) > SHOWN else ""
        acted = f"<p>Actions taken:</p><ul>{acts}{more}</ul>" if others else ""
        if not drifts:
            return f"<h2>Drift</h2><p>No drift was detected.</p>{acted}"
        shown = largest(drifts, self.records[-1].rows)
        lines = "".join(f"<li>{_line(episode)}</li>" for episode in shown)
        count = f"{len(drifts):,} time{'s' * (len(drifts) > 1)}"
        of = "" if len(shown) == len(drifts) else f" These are the {len(shown)} largest:"
        return f"<h2>Drift</h2><p>Drift was detected {count}.{of}</p><ol>{lines}</ol>{acted}"

    def _settings(self, model: Any) -> str:
        about = model.describe()
        names = [f"{feature['name']} ({feature['kind']})" for feature in about["features"]]
        hidden = len(names) - _FEATURES
        shown = ", ".join(names[:_FEATURES]) + (f" … and {hidden:,} more" if hidden > 0 else "")
        facts = {"model": repr(model)} | {name: about[name] for name in ("optimizer", "loss") if name in about}
        facts["features"] = shown
        if self.records:
            record = self.records[-1]
            facts["window of the scores"] = counted(record.window, "row")
            facts |= {f"rejected: {reason}": counted(count, "row") for reason, count in record.rejected.items()}
            if record.rows_per_s:
                facts["speed"] = f"{record.rows_per_s:,.0f} rows/s"
        lines = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
        return f"<h2>Settings</h2><dl>{lines}</dl>"

    def _views(self, model: Any) -> Iterator[str]:
        """Yield what any kind can show: what comes next, the worst keys, importances, and why the last row got its answer."""
        keyed = "keys" in kind_of(model).can
        if kind_of(model).question.ahead and self.last.answers and not keyed:
            said = model.ask(None, coverage=0.9).columns
            bounds = list(zip(said["low"], said["high"], strict=True))
            ahead = forecast(list(self.last.answers), said["y_pred"], bounds)
            yield f"<h2>What comes next</h2>{_figure(ahead, 'The last answers and the forecast, with intervals for 90 %.')}"
        if keyed:
            yield _keys(model)
        figures = []
        with suppress(HeadwaterError):
            if any((values := model.importance()).values()):
                figures.append((importances(values), "How much each feature matters, as importance() says."))
        for output, why in self._reasons(model):
            said = f", for {output}" if output else ""
            figures.append(
                (explanation(why), f"Explanation of the last row{said}, by the contribution of each feature.")
            )
        if figures:
            yield f"<h2>Features</h2>{''.join(_figure(*one) for one in figures)}"

    def _reasons(self, model: Any) -> list[tuple[str, Explanation]]:
        """Return why the last row got its answer, by output where there are several."""
        if self.last.row is None:
            return []
        try:
            why = model.explain_one(self.last.row)
        except HeadwaterError:
            return []
        found = {"": why} if isinstance(why, Explanation) else dict(why)
        return [(str(name), one) for name, one in found.items() if isinstance(one, Explanation)][:_OUTPUTS]

    def _pictures(self, model: Any) -> Iterator[str]:
        figures = []
        if has_classes(model):
            figures.append(
                (confusion(self.outcomes.pairs), "Each row is a true class, with the share predicted as each class.")
            )
            if self.outcomes.bins.any():
                figures.append((calibration(outcomes=self.outcomes), _CALIBRATED))
            if len(self.outcomes.by_class) > 2:
                figures.append((calibration(outcomes=self.outcomes, by_class=True), "The same for each class."))
        else:
            figures.append(
                (answers(self.outcomes.sample), "Each dot is a row. On the dashed line the prediction is exact.")
            )
        sample = model.sample
        if sample is not None and sample.rows:
            last = max((*sample.rows, *sample.fresh), key=lambda kept: kept.row)
            why = "Explanation of one of the last predictions, by the contribution of each feature."
            figures.append((explanation(explain_one(model, _as_sample(last.x))), why))
        pictures = "".join(_figure(fig, caption) for fig, caption in figures)
        rise = "How much the loss rises when a feature's values are shuffled between rows."
        inside = "The weights and activations of each layer, for the expert with the largest weight."
        yield (
            f"<h2>Feature importance and errors</h2>{_figure(importance(self.importance), rise)}"
            f'<div class="pictures">{pictures}</div><h2>Layers</h2>{_figure(layers(model), inside)}'
        )


class LastRows:
    """The last row and answers of a run, as a metric of a `Session`."""

    def __init__(self) -> None:
        self.due: int | None = None
        self.row: dict[Any, Any] | None = None
        self.answers: deque[float] = deque(maxlen=_ANSWERS)

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Keep the last row, and answers that are numbers."""
        self.row = _as_sample(rows.X[-1])
        self.answers.extend(y for y in rows.y if isinstance(y, float))
        return ()


def _cell(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else figure_cell(value)


def _has_layers(model: Any) -> bool:
    return "layers" in kind_of(model).can


def _keys(model: Any) -> str:
    """Return the metrics of the keys that are worst."""
    ranked = model.ranking()[:_KEYS]
    names = list(ranked[0][1]) if ranked else []
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    lines = ""
    for key, own in ranked:
        shown = f"{key:g}" if isinstance(key, float) else str(key)
        cells = "".join(f"<td>{_cell(own[name])}</td>" for name in names)
        lines += f"<tr><td><bdi>{escape(shown)}</bdi></td>{cells}</tr>"
    more = (
        f"The {len(ranked)} worst of {len(model):,} keys." if len(model) > len(ranked) else "All keys, the worst first."
    )
    return (
        f"<h2>Keys</h2><table><caption>{more}</caption><tr><td>{escape(str(model.key))}</td>{head}</tr>{lines}</table>"
    )


_CALIBRATED = "On the dashed line predictions come true as often as predicted."


def _score_table(span: str, names: Sequence[str], scores: dict[str, Scores]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in scores)
    rows = ""
    for score in names:
        cells = "".join(f'<td class="{escape(name)}">{figure_cell(own[score])}</td>' for name, own in scores.items())
        rows += f"<tr><td>{escape(score.replace('_', ' '))}</td>{cells}</tr>"
    return f"<table><caption>{escape(span)}</caption><tr><td></td>{head}</tr>{rows}</table>"


def _line(episode: Episode) -> str:
    near = f" ({episode.near:,} more near it)" if episode.near else ""
    return f"row {episode.event.row:,}{near}: {escape(episode.event.text)}"


def _findings(model: Any) -> str:
    try:
        diagnosis: Diagnosis = diagnose(model)
    except HeadwaterError as error:
        return f"<h2>Diagnosis</h2><p>{escape(str(error))}</p>"
    if not diagnosis.findings:
        return f"<h2>Diagnosis</h2><p>{escape(str(diagnosis))}</p>"
    found: Sequence[str] = [
        f'<div class="finding {finding.severity}"><b>{escape(finding.name.replace("_", " "))}</b> '
        f"({finding.severity}). {escape(finding.text)}<br>{escape(finding.remedy)}</div>"
        for finding in diagnosis
    ]
    return f"<h2>Diagnosis</h2>{''.join(found)}"


def _as_sample(x: Any) -> Any:
    return x if isinstance(x, dict) else {f"x{j}": value for j, value in enumerate(x.tolist())}


def _figure(fig: Figure, caption: str) -> str:
    return f"<figure>{as_svg(fig)}<figcaption>{escape(caption)}</figcaption></figure>"
