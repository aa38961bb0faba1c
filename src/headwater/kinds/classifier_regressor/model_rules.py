"""Diagnosis rules about the model, each mapping `Measures` to a finding or None.

The thresholds were chosen so that the healthy streams of tests/diagnose give no findings and each simulated fault is found.
"""

from __future__ import annotations

import math

from headwater.diagnose.finding import FEW, Finding
from headwater.kinds.classifier_regressor.measures import Measures
from headwater.route.verdict.numbers import figure
from headwater.route.verdict.verdict import beats_baselines, compare_baselines

__all__ = ["RULES"]


def baseline_wins(m: Measures) -> Finding | None:
    """Report that a simple baseline is at least as good over the window."""
    if m.record is None or m.rows < FEW:
        return None
    r = m.record
    key = "accuracy" if m.task == "classify" else "rmse"
    sign = 1 if m.task == "classify" else -1
    best = max(r.window_baselines, key=lambda name: sign * r.window_baselines[name][key], default="")
    if not best or sign * r.window_baselines[best][key] < sign * r.window_scores[key]:
        return None
    ours, theirs = r.window_scores[key], r.window_baselines[best][key]
    return Finding(
        "baseline_wins",
        "serious",
        f"Over the last {r.window:,} rows the {best} baseline has {key} {figure(theirs)}, the model {figure(ours)}."
        + ("" if beats_baselines(r) else f" Over all rows: {compare_baselines(r)}"),
        "Give the model what the baseline uses (the last answer as a feature), other features, or more rows.",
        {"model": ours, "baseline": theirs},
    )


def underfitting(m: Measures) -> Finding | None:
    """Report a loss like that of a constant, although steps have an effect and rows aren't just memorized."""
    if m.rows < 2 * FEW or not m.loss >= 0.95 * m.base or not _moves(m) or _step_harms(m) or _remembers(m):
        return None
    return Finding(
        "underfitting",
        "warning",
        f"The loss over the last rows is {figure(m.loss, 3)}, a constant prediction would have {figure(m.base, 3)}.",
        _advice(
            m,
            net="Try a larger or deeper net (hidden), the default pool, features that say more, or less L1, L2 and dropout.",
            pool="Try effort='accurate', features that say more, or less L1 and L2.",
        ),
        {"loss": m.loss, "constant": m.base, "loss_before": m.loss_before},
    )


def overfitting(m: Measures) -> Finding | None:
    """Report that learned rows have far lower loss than new ones, and new ones stay poor."""
    if m.rows < FEW or _step_harms(m) or not (_remembers(m) or m.then - m.now > _gap(m)):
        return None
    new, learned = (m.before, m.after) if _remembers(m) else (m.then, m.now)
    return Finding(
        "overfitting",
        "warning",
        f"Rows had loss {figure(new, 3)} when they were new and {figure(learned, 3)} once they were learned; new ones have "
        f"{figure(m.loss, 3)}, a constant prediction {figure(m.base, 3)}: rows are remembered rather than understood.",
        _advice(
            m,
            net="Try a smaller net (hidden), l2 or dropout, a smaller step, fewer rare names, or more data.",
            pool="Try effort='fast', l2, fewer rare names, or more data.",
        ),
        {"new": new, "learned": learned, "old_then": m.then, "old_now": m.now},
    )


def step_too_large(m: Measures) -> Finding | None:
    """Report that learning a row harms the rows around it, or that many steps are undone."""
    undone = m.undone / max(m.steps, 1)
    if m.rows < FEW or not _step_harms(m):
        return None
    return Finding(
        "step_too_large",
        "serious",
        f"New rows have loss {figure(m.loss, 3)}, a constant prediction {figure(m.base, 3)}; just after they were learned "
        f"{m.worse:.0%} of the last rows cost more than before; {m.undone:,} of {m.steps:,} steps were taken back.",
        _advice(
            m,
            net="Make the step (lr) 3 to 10 times smaller, set clip_norm=1, norm='layer', or use the default pool.",
            pool="Look for outliers in inputs and answers, set clip_norm=1, or try effort='fast'.",
        ),
        {"before": m.before, "after": m.after, "worse": m.worse, "undone": undone},
    )


def step_too_small(m: Measures) -> Finding | None:
    """Report that learning a row hardly changes its loss, while the loss is that of a constant."""
    if m.rows < 2 * FEW or not m.loss >= 0.9 * m.base or _moves(m) or _step_harms(m):
        return None
    return Finding(
        "step_too_small",
        "warning",
        f"Learning the last rows changed their loss from {figure(m.before)} to {figure(m.after)}; "
        f"the loss is {figure(m.loss, 3)}, a constant prediction would have {figure(m.base, 3)}.",
        _advice(
            m,
            net="Make the step (lr) 10 times larger, use an adaptive rule (RMSProp, Adam), or the default pool.",
            pool="Try effort='accurate', features that say more, or experts of your own with larger steps (nn.Expert).",
        ),
        {"before": m.before, "after": m.after},
    )


def saturated_units(m: Measures) -> Finding | None:
    """Report that most slopes of a sigmoid or tanh layer are near zero, which blocks the gradient."""
    bad = [layer for layer in m.layers if layer.saturates and layer.flat > 0.7]
    if not bad or m.rows < FEW // 2:
        return None
    worst = max(bad, key=lambda layer: layer.flat)
    return Finding(
        "saturated_units",
        "warning",
        f"In {worst.name} {worst.flat:.0%} of the slopes are below a twentieth of the largest: units are saturated.",
        _advice(
            m,
            net="Scale the inputs (scale=True), use norm='layer', a smaller initializer or step, or the ReLU family.",
            pool="Leave scale=True; in experts of your own use norm layers, a smaller initializer, or the ReLU family.",
        ),
        {layer.name: layer.flat for layer in bad},
    )


def dead_units(m: Measures) -> Finding | None:
    """Report units without a gradient on any row (as a ReLU below 0), which never learn again."""
    bad = [layer for layer in m.layers if not layer.saturates and layer.dead > 0.4]
    if not bad or m.rows < FEW // 2:
        return None
    worst = max(bad, key=lambda layer: layer.dead)
    return Finding(
        "dead_units",
        "warning",
        f"In {worst.name} {worst.dead:.0%} of {worst.units} units are silent on every row looked at.",
        _advice(
            m,
            net="Use activation='leaky_relu' (or gelu, silu), a smaller step, norm='layer', or a smaller net.",
            pool="Use experts of your own with leaky_relu (nn.Expert), a smaller step, or effort='fast'.",
        ),
        {layer.name: layer.dead for layer in bad},
    )


def vanishing_gradients(m: Measures) -> Finding | None:
    """Report a first-layer gradient a thousand times smaller than the last hidden layer's, without dead layers."""
    nets = [net for net in m.gradients if len(net) > 2 and net[-2][1] > 0]
    worst = min(nets, key=lambda net: net[0][1] / net[-2][1], default=None)
    if m.rows < FEW // 2 or worst is None or any(layer.dead > 0.9 for layer in m.layers):
        return None
    ratio = worst[0][1] / worst[-2][1]
    if not ratio < 1e-3:
        return None
    return Finding(
        "vanishing_gradients",
        "warning",
        f"The gradient that reaches the first of {len(worst)} layers is {ratio:.1e} of that of the last hidden one.",
        _advice(
            m,
            net="Use fewer layers, norm='layer', activation='relu' (or silu), or the initializer he or orthogonal.",
            pool="Use experts of your own with fewer layers, LayerNorm, or the initializer he.",
        ),
        dict(worst),
    )


def exploding_gradients(m: Measures) -> Finding | None:
    """Report a first-layer gradient a thousand times larger than that of a later layer."""
    nets = [net for net in m.gradients if len(net) > 1 and min(size for _, size in net[1:]) > 0]
    worst = max(nets, key=lambda net: net[0][1] / min(size for _, size in net[1:]), default=None)
    if m.rows < FEW // 2 or worst is None:
        return None
    ratio = worst[0][1] / min(size for _, size in worst[1:])
    if not ratio > 1e3:
        return None
    return Finding(
        "exploding_gradients",
        "serious",
        f"The gradient that reaches the first of {len(worst)} layers is {ratio:.1e} times that of one behind it.",
        _advice(
            m,
            net="Set clip_norm=1, use norm='layer', fewer layers, or a smaller initializer.",
            pool="Set clip_norm=1, or use experts of your own with LayerNorm or fewer layers.",
        ),
        dict(worst),
    )


def plasticity_loss(m: Measures) -> Finding | None:
    """Report that the last hidden layer's effective rank has fallen far while the weights have grown."""
    if len(m.sizes) < 2 or m.rows < 4 * FEW or not m.units or _step_harms(m):
        return None
    (_, size, rank), best = m.sizes[-1], max(one[2] for one in m.sizes)
    first = m.sizes[0][1]
    if not (rank < 0.6 * best and size > 1.5 * first):
        return None
    return Finding(
        "plasticity_loss",
        "warning",
        f"The last hidden layer of {m.units} units once used {best:.1f} directions and now uses {rank:.1f}, "
        f"while its weights are {size / first:.1f} times as large: it learns new things ever harder.",
        _advice(
            m,
            net="Use l2, norm='layer', leaky_relu, a smaller step, adapt=Reinitialise(), or the default pool.",
            pool="Use l2, or adapt=Reinitialise() in a Session.",
        ),
        {"rank": rank, "best_rank": best, "growth": size / first},
    )


def overconfidence(m: Measures) -> Finding | None:
    """Report predictions that are right less often than their probabilities imply."""
    if not _miscalibrated(m) or m.sure < m.right:
        return None
    return Finding(
        "overconfidence",
        "warning",
        f"What was predicted had probability {m.sure:.0%} on average and was right in {m.right:.0%} of {m.judged} rows; "
        f"the expected calibration error is {m.ece:.2f}.",
        _advice(
            m,
            net="Use the default pool, loss='cross_entropy', a smaller step or net, l2 or dropout; until then trust no probability.",
            pool="Try l2 or effort='fast', or give it more rows; until then trust no probability.",
        ),
        {"sure": m.sure, "right": m.right, "ece": m.ece},
    )


def underconfidence(m: Measures) -> Finding | None:
    """Report predictions that are right more often than their probabilities imply, although the net learns."""
    if not _miscalibrated(m) or m.sure > m.right or m.loss >= 0.95 * m.base:
        return None
    return Finding(
        "underconfidence",
        "note",
        f"What was predicted had probability {m.sure:.0%} on average and was right in {m.right:.0%} of {m.judged} rows; "
        f"the expected calibration error is {m.ece:.2f}.",
        _advice(
            m,
            net="Use less l1, l2, dropout and clipping, a larger step, loss='cross_entropy', or more rows.",
            pool="Use less l1, l2 and clipping, or more rows.",
        ),
        {"sure": m.sure, "right": m.right, "ece": m.ece},
    )


def _advice(m: Measures, *, net: str, pool: str) -> str:
    """Return the advice that fits the model, because the default pool has no hidden, lr or norm to change."""
    return pool if m.pool else net


def _miscalibrated(m: Measures) -> bool:
    """Return whether the calibration error is large, and beyond four standard errors."""
    if m.rows < FEW or m.judged < 100:
        return False
    chance = 4 * math.sqrt(max(m.right * (1 - m.right), 0.01) / m.judged)
    return m.ece > 0.1 and abs(m.sure - m.right) > max(0.1, chance)


def _moves(m: Measures) -> bool:
    """Return whether learning a row changes its own loss."""
    return not (m.before - m.after < 0.01 * m.before)


def _remembers(m: Measures) -> bool:
    """Return whether learning a row lowers its own loss much, while new rows are no better than a constant."""
    return m.loss >= 0.9 * m.base and m.after < 0.6 * m.before


def _gap(m: Measures) -> float:
    """Return the fall of the old rows' loss, beyond chance, that indicates memorization."""
    return max(0.25 * m.base, 0.35 * m.then, 3 * m.error)


def _step_harms(m: Measures) -> bool:
    """Return whether steps are undone, or do more harm than good while there is much to learn."""
    if m.undone > 0.005 * m.steps or (m.loss > 0.5 * m.base and m.after > 1.05 * m.before):
        return True
    return m.loss > 1.15 * m.base and m.worse > 0.2 and _moves(m) and not _remembers(m)


RULES = (
    baseline_wins,
    underfitting,
    overfitting,
    step_too_large,
    step_too_small,
    saturated_units,
    dead_units,
    vanishing_gradients,
    exploding_gradients,
    plasticity_loss,
    overconfidence,
    underconfidence,
)
