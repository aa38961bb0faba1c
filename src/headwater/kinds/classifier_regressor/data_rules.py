"""Diagnosis rules about the data. See `model_rules` for rules about the model."""

from __future__ import annotations

from headwater.diagnose.finding import FEW, Finding
from headwater.kinds.classifier_regressor.measures import Measures
from headwater.route.verdict.numbers import figure

__all__ = ["RULES"]

_NAMED = 3  # columns that a sentence names


def unscaled_inputs(m: Measures) -> Finding | None:
    """Report unstandardized numbers far from −1 … 1."""
    if m.scaled:
        return None
    far = {name: max(abs(mean), std) for name, (mean, std) in m.numbers.items() if max(abs(mean), std) > 10}
    stds = [std for _, std in m.numbers.values() if std > 0]
    uneven = len(stds) > 1 and max(stds) > 100 * min(stds)
    if not far and not uneven:
        return None
    name = max(m.numbers, key=lambda one: m.numbers[one][1] + abs(m.numbers[one][0]))
    mean, std = m.numbers[name]
    return Finding(
        "unscaled_inputs",
        "serious",
        f"Inputs aren't scaled: {name} has mean {figure(mean)} and deviation {figure(std)}.",
        "Leave scale=True, or bring the inputs to about −1 … 1 yourself.",
        {str(one): value for one, value in far.items()} or {"largest": max(stds), "smallest": min(stds)},
    )


def constant_features(m: Measures) -> Finding | None:
    """Report features with the same value in every row."""
    if not m.constant:
        return None
    names = ", ".join(map(str, m.constant[:5])) + (" …" if len(m.constant) > 5 else "")
    return Finding(
        "constant_features",
        "note",
        f"{len(m.constant)} feature{'s' * (len(m.constant) > 1)} had the same value in every row: {names}.",
        "Leave them out (--drop), or check where they come from.",
        {"features": float(len(m.constant))},
    )


def leaking_features(m: Measures) -> Finding | None:
    """Report a feature that alone determines the label, and so may only be known after it."""
    leaks = {name: told for name, told in m.leaks.items() if told > 0.97}
    if not leaks:
        return None
    name = max(leaks, key=lambda one: leaks[one])
    return Finding(
        "leaking_features",
        "serious",
        f"{', '.join(map(str, leaks))} alone tells the answer ({leaks[name]:.0%}): is it known before the answer is?",
        "If it is made from the answer, leave it out (--drop); otherwise a rule on it is all you need.",
        {str(one): told for one, told in leaks.items()},
    )


def imbalanced_classes(m: Measures) -> Finding | None:
    """Report that one class has nearly all rows, or a class is too rare to be learned well."""
    total = sum(m.labels.values())
    if m.rows < FEW or len(m.labels) < 2:
        return None
    most, least = max(m.labels, key=m.labels.__getitem__), min(m.labels, key=m.labels.__getitem__)
    share, rare = m.labels[most] / total, m.labels[least] / total
    if share < 0.9 and rare > 0.05 / len(m.labels):
        return None
    known = m.record is not None
    recall = m.record.scores["balanced_accuracy"] if m.record is not None else float("nan")
    missed = known and recall < m.record.scores["accuracy"] - 0.15 if m.record is not None else False
    return Finding(
        "imbalanced_classes",
        "warning" if missed else "note",
        f"{most} is {share:.1%} of the rows, {least} {rare:.2%}"
        + (f"; balanced accuracy is {recall:.1%}." if known else "."),
        "Judge by kappa or balanced accuracy; predict with costs=, or gather more of the rare class.",
        {"most": share, "least": rare, "balanced_accuracy": recall},
    )


def repeating_labels(m: Measures) -> Finding | None:
    """Report that the last label predicts the next well, which inflates accuracy."""
    if m.record is None or m.rows < FEW:
        return None
    base = m.record.baselines
    if m.task == "classify":
        last, other = base["no-change"]["accuracy"], base["majority"]["accuracy"]
        if not (last > other + 0.5 * (1 - other) and last > 0.6):
            return None
        kappa = m.record.scores["kappa_temporal"]
        text = f"Repeating the last answer is right in {last:.1%} of the rows, the majority in {other:.1%}; "
        text += f"kappa-temporal is {kappa:.2f}."
        evidence = {"no_change": last, "majority": other, "kappa_temporal": kappa}
        severity = "warning" if kappa < 0 else "note"
    else:
        last, other = base["no-change"]["mae"], base["mean"]["mae"]
        if not last < 0.5 * other:
            return None
        text = f"Repeating the last answer has MAE {figure(last)}, the mean {figure(other)}: answers move slowly."
        evidence, severity = {"no_change": last, "mean": other}, "note"
    remedy = "Judge by kappa-temporal or against no-change; give the last answer as a feature if it is known in time."
    return Finding("repeating_labels", severity, text, remedy, evidence)


def drift(m: Measures) -> Finding | None:
    """Report where rows changed, and which columns and names changed most."""
    if m.drift is None or m.rows < FEW:
        return None
    found, point = m.drift, m.drift.point
    parts = [", ".join(f"{change.name} ({change.text})" for change in found.changes[:_NAMED])]
    parts += ["what the answers are"] if point.label else []
    if point.relations:
        parts.append(f"what {', '.join(map(str, point.relations[:_NAMED]))} says of the answer")
    when = f" ({found.date})" if found.date else ""
    return Finding(
        "drift",
        "note",
        f"From about row {found.row:,}{when} on rows are others; most changed: {'; '.join(filter(None, parts))}.",
        "Ask what happened then. --watch adwin says so at once, and --adapt what to do.",
        {"row": float(found.row), **{str(name): point.z[name] for name in (*point.columns, *point.relations)}},
    )


RULES = (unscaled_inputs, constant_features, leaking_features, imbalanced_classes, repeating_labels, drift)
