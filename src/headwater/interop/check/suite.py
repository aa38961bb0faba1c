"""Run the checks on a learner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .contract import CHECKS, Check
from .report import FAILED, NOT_OFFERED, PASSED, Broken, NotOffered, Report, Result
from .subject import CLASSIFY, DETECT, REGRESS, Subject, first_line


def check_online_learner(
    make: Callable[[], Any],
    *,
    task: str | None = None,
    dump: Callable[[Any], bytes] | None = None,
    load: Callable[[bytes], Any] | None = None,
    block: Callable[[Any, list[dict[str, Any]], list[Any]], Any] | None = None,
    texts: bool = False,
    only: Iterable[str] | None = None,
    name: str | None = None,
) -> Report:
    """Check by value that a learner keeps the contract of online learning.

    Parameters
    ----------
    make : callable
        Returns a fresh learner with ``learn_one(x, y)`` and ``predict_one(x)`` or, if it classifies, ``predict_proba_one(x)``; or
        an anomaly model with ``learn_one(x)`` and ``score_one(x)``. All calls must return the same learner, so give it a fixed seed.
    task : str, optional
        "classify", "regress" or "anomaly", by default by which of these methods the learner has.
    dump, load : callable, optional
        Convert a learner to bytes and back, ``pickle.dumps`` and ``pickle.loads`` for most libraries. headwater's own
        learners don't need them.
    block : callable, optional
        ``block(learner, X, y)`` learns a list of dicts. By default ``learner.learn_many(X, y)``, if it exists.
    texts : bool
        Whether samples also have a text value.
    only : iterable of str, optional
        Names in ``CHECKS``, all by default.
    name : str, optional
        Name of the learner in the report, its class by default.

    Returns
    -------
    Report
        One result per check (passed, failed, or not offered). An exception of the learner is a failed check.

    Examples
    --------
    >>> import headwater as hw
    >>> report = check_online_learner(hw.Regressor, only=["cold_predict", "new_features"])
    >>> report.ok
    True
    >>> report["new_features"].detail
    'old predictions equal to the bit'
    """
    model = make()
    if task is None:
        task = _task_of(model)
    if dump is None and load is None and type(model).__module__.split(".")[0] == "headwater":
        dump, load = _own_format()
    subject = Subject(make, task, dump, load, block, texts)
    results: list[Result] = []
    chosen = list(CHECKS if only is None else only)
    alike = not any(CHECKS[key].twins for key in chosen) or _run("same_history", CHECKS["same_history"], subject)
    for key in chosen:
        if CHECKS[key].twins and isinstance(alike, Result) and alike.outcome != PASSED:
            results.append(Result(key, NOT_OFFERED, "two learners of the same history differ, so it can't be told"))
        else:
            results.append(_run(key, CHECKS[key], subject))
    return Report(name or type(model).__name__, task, tuple(results))


def _task_of(model: Any) -> str:
    offered = {
        name for name in ("predict_proba_one", "predict_one", "score_one") if getattr(model, name, None) is not None
    }
    if "predict_proba_one" in offered:
        return CLASSIFY
    return DETECT if "score_one" in offered else REGRESS


def _run(key: str, check: Check, subject: Subject) -> Result:
    """Run one check and turn any exception of the learner into a failed result."""
    try:
        return Result(key, PASSED, check.run(subject))
    except Broken as found:
        return Result(key, FAILED, str(found))
    except NotOffered as found:
        return Result(key, NOT_OFFERED, str(found))
    except Exception as error:  # noqa: BLE001 - a foreign learner may raise anything
        return Result(key, FAILED, f"raised {first_line(error)}")


def _own_format() -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    """Return headwater's own serialization functions."""
    from headwater.store.learner_file import from_bytes, to_bytes

    return to_bytes, lambda data: from_bytes(data, "memory")
