"""One page about one run: scores, curves, what is wrong, what the model looks at. It needs no network to be read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from headwater.diagnose import Diagnosis, diagnose
from headwater.errors import HeadwaterError
from headwater.explain import Importance, explain_one
from headwater.plot.curves import importance, learning_curve
from headwater.plot.inside import layers
from headwater.plot.outcome import Outcomes, answers, calibration, confusion, explanation
from headwater.plot.paper import as_svg
from headwater.types import Event, Record
from headwater.watch import DriftWatch, verdict
from headwater.watch.health import Health
from headwater.watch.seen import Watcher

__all__ = ["Report"]

_EVENTS = 50

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p.lead { color: #555; margin-top: .2rem; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
td, th { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #e5e5e5; }
th:first-child, td:first-child { text-align: left; } td.model { font-weight: 600; }
.finding { border-left: 4px solid #999; padding: .3rem .8rem; margin: .6rem 0; background: #fafafa; }
.serious { border-color: #c0392b; } .warning { border-color: #e69f00; } .note { border-color: #56b4e9; }
.finding b { text-transform: capitalize; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: center; }
figure { margin: 1rem 0; } figure svg { width: 100%; max-width: 45rem; height: auto; }
.pictures figure { flex: 1 1 min(26rem, 100%); margin: 0; } .pictures svg { max-height: 24rem; }
"""


class Report:
    """Gather what a page about a run shows; give its parts to a `Session`, then write it.

    Parameters
    ----------
    title
        What the page is headed with.
    drift
        What looks for drift; ADWIN on the loss without it.

    Examples
    --------
    >>> import numpy as np
    >>> from headwater import Classifier
    >>> from headwater.session import Session
    >>> X = np.random.default_rng(0).normal(size=(1000, 3))
    >>> model, report = Classifier(seed=1), Report("three numbers")
    >>> _ = Session(model, watch=report.watchers, tell=report.tell, every=200).step(X, (X[:, 0] > 0).tolist())
    >>> page = report.html(model)
    >>> "<h1>three numbers</h1>" in page, page.count("<svg") > 3
    (True, True)
    """

    def __init__(self, title: str, *, drift: DriftWatch | None = None) -> None:
        self.title = title
        self.records: list[Record] = []
        self.outcomes = Outcomes()
        self.importance = Importance(every=128)
        self.drift = drift or DriftWatch()

    @property
    def watchers(self) -> tuple[Watcher, ...]:
        """What to give a session as ``watch``."""
        return self.outcomes, self.importance, self.drift

    def tell(self, record: Record) -> None:
        """Keep a record; what to give a session as ``tell``."""
        self.records.append(record)

    def html(self, model: Any) -> str:
        """Return the page: HTML with its style and pictures inside, no script, and no link to anywhere."""
        parts = [
            f"<h1>{escape(self.title)}</h1>",
            self._lead(model),
            self._scores(),
            _figure(as_svg(learning_curve(self.records))),
            self._events(),
            _findings(model),
            self._pictures(model),
        ]
        view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
        head = f'<meta charset="utf-8">{view}<title>{escape(self.title)}</title><style>{_STYLE}</style>'
        return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{"".join(parts)}</body></html>\n'

    def write(self, model: Any, path: str | Path) -> None:
        """Write the page to a file."""
        Path(path).write_text(self.html(model), encoding="utf-8")

    def _lead(self, model: Any) -> str:
        about = model.describe()
        noun = "classifier" if about["task"] == "classify" else "regressor"
        text = f"A {noun} of {about['parameters']:,} parameters that has learned {about['n_learned']:,} rows of "
        text += f"{len(about['features']):,} features."
        said = verdict(self.records[-1]) if self.records else ""
        return f'<p class="lead">{escape(text)} {escape(said)}</p>'

    def _scores(self) -> str:
        if not self.records:
            return ""
        record = self.records[-1]
        spans = [("all rows", {"model": record.scores} | record.baselines)]
        if record.window < record.scored:
            spans.append((f"last {record.window:,}", {"model": record.window_scores} | record.window_baselines))
        head = "".join(f"<th>{escape(f'{span}: {name}')}</th>" for span, scores in spans for name in scores)
        rows = ""
        for score in record.names:
            cells = "".join(
                f'<td class="{escape(name)}">{_number(values[score])}</td>'
                for _, scores in spans
                for name, values in scores.items()
            )
            rows += f"<tr><td>{escape(score.replace('_', ' '))}</td>{cells}</tr>"
        return f'<h2>Scores</h2><div class="wide"><table><tr><th></th>{head}</tr>{rows}</table></div>'

    def _events(self) -> str:
        events: list[Event] = [event for record in self.records for event in record.events]
        if not events:
            return "<p>No drift was detected.</p>"
        lines = "".join(f"<li>row {event.row:,}: {escape(event.text)}</li>" for event in events[:_EVENTS])
        more = f"<li>… and {len(events) - _EVENTS:,} more</li>" if len(events) > _EVENTS else ""
        return f"<h2>Events</h2><ul>{lines}{more}</ul>"

    def _pictures(self, model: Any) -> str:
        figures = []
        if model.task == "classify":
            figures.append(confusion(self.outcomes.pairs))
            figures += [calibration(outcomes=self.outcomes)] if self.outcomes.bins.any() else []
            many = len(self.outcomes.by_class) > 2
            figures += [calibration(outcomes=self.outcomes, by_class=True)] if many else []
        else:
            figures.append(answers(self.outcomes.sample))
        health = model._health
        if isinstance(health, Health) and health.sample:
            last = max((*health.sample, *health.fresh), key=lambda kept: kept.row)
            figures.append(explanation(explain_one(model, _as_sample(last.x))))
        pictures = "".join(_figure(as_svg(fig)) for fig in figures)
        inside = _figure(as_svg(layers(model)))
        return (
            f"<h2>What the model looks at, and how it errs</h2>{_figure(as_svg(importance(self.importance)))}"
            f'<div class="pictures">{pictures}</div>'
            f"<p>The last picture explains one of the last rows.</p><h2>Inside</h2>{inside}"
        )


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


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>"


def _number(value: float) -> str:
    if value != value:
        return "–"
    return f"{value:,.4g}" if abs(value) >= 100 else f"{round(value, 4) + 0.0:.4f}"  # + 0.0: no minus before 0
