"""Script-free HTML views of learners and results for notebooks, readable on light and dark backgrounds.

The classes declare ``_repr_html_``, which calls `html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from html import escape
from importlib.util import find_spec
from typing import Any

from headwater.diagnose import Diagnosis
from headwater.errors import counted
from headwater.explain import Explanation
from headwater.kinds.fleet.base import AnyFleet
from headwater.learner.base import Learner, at_one_moment
from headwater.learner.schema.pictures import Bars, Picture
from headwater.nn import Network
from headwater.plot.overview import own_pictures
from headwater.route.evaluate import Evaluation, score_cell
from headwater.route.session import Session
from headwater.route.verdict.numbers import figure
from headwater.route.verdict.verdict import comparisons_of, leads_of, lines_of
from headwater.store.service.durable_learner import DurableLearner
from headwater.types import Comparison, Metrics

__all__ = ["html"]

_STYLE = (
    "<style>.hw-repr{font:14px/1.5 system-ui,sans-serif}.hw-repr table{border-collapse:collapse;margin:.4em 0}"
    ".hw-repr td,.hw-repr th{padding:.15em .8em .15em 0;text-align:right;background:none;"
    "border-bottom:1px solid rgba(128,128,128,.35)}.hw-repr td:first-child,.hw-repr th:first-child{text-align:left}"
    ".hw-repr .hw-left td,.hw-repr .hw-left th{text-align:left}"
    ".hw-repr p{margin:.2em 0}.hw-repr .hw-soft{opacity:.7}.hw-repr svg{max-width:45em;width:100%;height:auto}"
    ".hw-repr .hw-ahead{color:#2e8b57}.hw-repr .hw-behind{color:#b07800}"
    ".hw-repr .hw-bar{display:inline-block;height:.7em;border-radius:2px;vertical-align:middle}"
    ".hw-repr .hw-finding{border-left:4px solid #999;padding:.1em .7em;margin:.5em 0}</style>"
)
_SEVERITY = {"serious": "#d1483b", "warning": "#e69f00", "note": "#56b4e9"}
_POSITIVE, _NEGATIVE = "#2a8ad4", "#d55e00"
_BAR = 12.0  # em: the widest bar
_NAMED = 8  # classes and features by name


def html(value: Any) -> str:
    """Return the HTML view of a learner, a session, a store, a network, a record, an evaluation, a diagnosis or an explanation.

    Examples
    --------
    >>> record = Metrics(9, 9, 9, ("accuracy",), {"accuracy": 0.5}, {"accuracy": 0.5})
    >>> "50.00 %" in html(record)
    True
    """
    return f'<div class="hw-repr">{_STYLE}{_body(value)}</div>'


@singledispatch
def _body(value: Any) -> str:
    return f"<pre>{escape(repr(value))}</pre>"


@_body.register
@at_one_moment
def _learner(value: Learner) -> str:
    about = value.describe()
    head = f"<p><b>{escape(repr(value))}</b></p>"
    if not value.n_learned:
        return f'{head}<p class="hw-soft">Nothing learned yet.</p>'
    names = [feature["name"] for feature in about["features"]]
    facts = f"{counted(value.n_learned, 'row')} learned · {counted(about['parameters'], 'parameter')}"
    facts += f" · {counted(len(names), 'feature')}: {_few(names)}"
    if about["classes"]:
        facts += f" · {counted(len(about['classes']), 'class')}: {_few(about['classes'])}"
    pictures = own_pictures(value)
    scored = "" if value.kept_record is None else _record(value.kept_record)
    return f'{head}<p class="hw-soft">{escape(facts)}</p>{scored}{_experts(value)}{_drawn(pictures)}'


@_body.register
@at_one_moment
def _fleet(value: AnyFleet) -> str:
    head = f"<p><b>{escape(repr(value))}</b></p>"
    if not len(value):
        return f'{head}<p class="hw-soft">Nothing learned yet.</p>'
    ranked = sorted(value, key=lambda key: -value.score(key)["rows"])
    facts = f"{counted(value.n_learned, 'row')} learned · {counted(len(value), 'key')} of {value.key}"
    scores = [value.score(key) for key in ranked[:_NAMED]]
    rows = [
        (escape(str(key)), *(f"{number:,}" if name == "rows" else _number(number) for name, number in own.items()))
        for key, own in zip(ranked, scores, strict=False)
    ]
    table = _table((escape(value.key), *scores[0]), rows)
    return f'{head}<p class="hw-soft">{escape(facts)}</p>{table}{_drawn(own_pictures(value))}'


@_body.register
def _session(value: Session) -> str:
    record = value.record()
    model = escape(repr(value.learner))
    facts = f"{counted(record.rows, 'row')} predicted, {record.scored:,} scored"
    facts += "".join(f" · {count:,} rejected: {reason}" for reason, count in record.rejected.items())
    return f'<p><b>Session</b> of <b>{model}</b></p><p class="hw-soft">{escape(facts)}</p>{_record(record)}{_drawn(value.pictures())}'


@_body.register
def _durable(value: DurableLearner) -> str:
    learner = value.learner
    head = f"<p><b>{escape(repr(learner))}</b> in {escape(str(value.service.path))}</p>"
    facts = f"{counted(value.n_learned, 'row')} learned · {counted(value.seq, 'event')} in the journal"
    return (
        f'{head}<p class="hw-soft">{escape(facts)}</p>{_verdict(value.comparisons)}{_latest(value.latest())}'
        f"{_drawn(value.pictures())}"
    )


def _latest(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table of the latest rows, newest first."""
    if not rows:
        return ""
    cells = [[f"{row['row']:,}", *(_cell(value) for name, value in row.items() if name != "row")] for row in rows]
    return _table([escape(name.replace("_", " ")) for name in rows[0]], cells)


def _cell(value: Any) -> str:
    return "–" if value is None else figure(value) if isinstance(value, int | float) else escape(str(value))


def _drawn(pictures: Sequence[Picture]) -> str:
    """Return pictures as SVG, without matplotlib the bars among them as tables."""
    shown = [picture for picture in pictures if picture.drawn]
    if not shown:
        return ""
    if find_spec("matplotlib") is None:
        return "".join(_bars(picture) for picture in shown if isinstance(picture, Bars))
    from headwater.plot.paper import as_svg
    from headwater.plot.pictures import drawn

    return as_svg(drawn(shown))


def _bars(picture: Bars) -> str:
    most = max(map(abs, picture.values.values())) or 1.0
    rows = [
        (
            escape(name),
            score_cell("accuracy" if picture.percent else "", value),
            escape(picture.beside.get(name, "")),
            _bar(value, most),
        )
        for name, value in picture.values.items()
    ]
    return _table((escape(picture.title), "", "", ""), rows, left=True)


def _experts(value: Learner) -> str:
    experts = value.experts_
    if len(experts) < 2:
        return ""
    if "squared_error" in experts[0]:  # a forecaster has one mixture per horizon
        return _errors(experts)
    if "weight" not in experts[0]:
        taken = [(escape(str(expert["expert"])), f"{expert['steps']:,}") for expert in experts]
        return _table(("expert", "steps"), taken, left=True)
    most = max((abs(expert["weight"]) for expert in experts), default=0.0) or 1.0
    rows = [
        (
            str(i + 1),
            escape(str(expert["optimizer"])),
            f"{expert['weight']:.2f} {_bar(expert['weight'], most)}",
            figure(expert["loss"]),
        )
        for i, expert in enumerate(experts)
    ]
    return _table(("expert", "optimizer", "weight in the mixture", "recent loss"), rows, left=True)


def _errors(experts: Sequence[dict[str, Any]]) -> str:
    """Return a table of each forecaster expert's squared error at the first and the last horizon."""
    horizon = len(experts[0]["squared_error"])
    heads = ("expert", *(f"squared error, {ahead:,} ahead" for ahead in dict.fromkeys((1, horizon))))
    shown = [[each["squared_error"][i] for i in dict.fromkeys((0, horizon - 1))] for each in experts]
    rows = [(escape(str(each["expert"])), *map(_number, off)) for each, off in zip(experts, shown, strict=True)]
    return _table(heads, rows, left=True)


def _number(value: float) -> str:
    return figure(value)


@_body.register
def _network(value: Network) -> str:
    expert = value.expert
    head = f"<p><b>Network</b>, loss {escape(expert.loss.name)}, optimizer {escape(repr(expert.optimizer))}</p>"
    rows = [(str(i + 1), escape(repr(layer))) for i, layer in enumerate(expert.layers)]
    return head + _table(("layer", ""), rows, left=True)


@_body.register
def _record(value: Metrics) -> str:
    spans = [("all rows", {"model": value.scores} | value.baselines)]
    if value.window < value.scored:
        spans.append((f"last {value.window:,}", {"model": value.window_scores} | value.window_baselines))
    head = [
        "",
        *(f"{name}<br><span class='hw-soft'>{span}</span>" for span, scores in spans for name in map(escape, scores)),
    ]
    rows = [
        [
            escape(score.replace("_", " ")),
            *(_score(name, score, own) for _, scores in spans for name, own in scores.items()),
        ]
        for score in value.names or tuple(value.scores)
    ]
    leads = "".join(f'<p class="hw-soft">{escape(sentence)}</p>' for sentence in leads_of(value))
    return _verdict(comparisons_of(value)) + leads + _table(head, rows)


def _verdict(comparisons: Sequence[Comparison]) -> str:
    """Return the lines of the verdict, lately large and since the start below, those behind in amber."""
    said = ""
    for line in lines_of(comparisons):
        output = f"<bdi>{escape(line.output)}</bdi> · " if line.output else ""
        said += f'<p class="hw-{line.state or "even"}"><b>{output}{escape(line.recent or line.overall)}</b></p>'
        said += f'<p class="hw-soft">{escape(line.overall)}</p>' if line.recent else ""
    return said


@_body.register
def _evaluation(value: Evaluation) -> str:
    return _record(value.record) + _curve(value.curve)


@_body.register
def _diagnosis(value: Diagnosis) -> str:
    found = "".join(
        f'<div class="hw-finding" style="border-color:{_SEVERITY.get(finding.severity, "#999")}">'
        f"<b>{escape(finding.name.replace('_', ' '))}</b> ({escape(finding.severity)}). {escape(finding.text)}<br>"
        f'<span class="hw-soft">{escape(finding.remedy)}</span></div>'
        for finding in value
    )
    return f"<p>{escape(str(value).splitlines()[0])}</p>{found}"


@_body.register
def _explanation(value: Explanation) -> str:
    parts = value.top()
    most = max((abs(part) for _, part in parts), default=0.0) or 1.0
    rows = [(escape(name), f"{part:+.4g}", _bar(part, most)) for name, part in parts]
    return (
        f"<p><b>{escape(str(value).splitlines()[0])}</b></p>{_table(('feature', 'contribution', ''), rows, left=True)}"
    )


def _score(name: str, score: str, values: dict[str, float]) -> str:
    shown = score_cell(score, values[score])
    return f"<b>{shown}</b>" if name == "model" else shown


def _curve(records: Sequence[Metrics]) -> str:
    """Return the learning curve as SVG, or "" without matplotlib or with fewer than two records."""
    if len(records) < 2 or find_spec("matplotlib") is None:
        return ""
    from headwater.plot import learning_curve
    from headwater.plot.paper import as_svg

    return as_svg(learning_curve(records))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], *, left: bool = False) -> str:
    """Return an HTML table of cells that already are HTML.

    Numbers are right-aligned. With ``left`` all cells are left-aligned.
    """
    first = "".join(f"<th>{cell}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    kind = ' class="hw-left"' if left else ""
    return f"<table{kind}><tr>{first}</tr>{lines}</table>"


def _bar(value: float, most: float) -> str:
    colour = _POSITIVE if value >= 0 else _NEGATIVE
    return f'<span class="hw-bar" style="width:{_BAR * abs(value) / most:.2f}em;background:{colour}"></span>'


def _few(names: Sequence[Any]) -> str:
    return ", ".join(map(str, names[:_NAMED])) + (" …" if len(names) > _NAMED else "")
