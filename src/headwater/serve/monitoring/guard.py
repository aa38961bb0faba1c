"""A guardrail for models in service, which acts once the evidence that a model is behind its baseline can't be luck.

It looks once a second at the rows that were scored since the last look. What it does is a setting::

    warn      say so
    freeze    pause the model: predictions go on, examples are refused until somebody resumes it
    baseline  answer with the baseline until the evidence is as strong that the model is ahead again; it goes on learning
    restore   promote the state of before the errors rose, which goes on learning; the champion becomes a challenger
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from headwater.errors import ConfigError, HeadwaterError
from headwater.route.drift.evidence import Evidence
from headwater.serve.monitoring.webhook import Webhook
from headwater.store.service import Service
from headwater.store.service.model import Fallback, Model

__all__ = ["ACTIONS", "Guard", "Watched"]

ACTIONS = ("warn", "freeze", "baseline", "restore")
_EVERY_S = 1.0
_PREFIX = "good-"
_SETTLED = 1000
"""Rows after an alarm from which on a model that gives no cause for another has recovered."""
_log = logging.getLogger("headwater.serve")


@dataclass
class Watched:
    """What is known of one model."""

    champion: int
    seen: int
    behind: Evidence
    good: dict[str, int] = field(default_factory=dict)
    """The last event at a look that found no evidence against a baseline."""
    ahead: Evidence | None = None
    """Evidence that a model which the baseline answers for is ahead again."""
    alarms: int = 0
    since: int = 0
    """Rows scored at the last alarm."""
    last: dict[str, Any] | None = None
    """The last event that was told, None while nothing is wrong."""


class Guard:
    """Watch the models of a store, and act on those that stay behind.

    Parameters
    ----------
    service : Service
        The open store.
    action : str
        What to do, one of `ACTIONS`.
    rows : int
        Rows between two false alarms of a model that is no worse than its baselines, on average and at least.
    webhook : Webhook, optional
        Whom to tell.
    """

    def __init__(self, service: Service, action: str, rows: int = 100_000, webhook: Webhook | None = None) -> None:
        if action not in ACTIONS:
            raise ConfigError(expected=", ".join(ACTIONS), got=action, at="--guard", help="Choose one.")
        if rows < 100:
            raise ConfigError(expected="100 rows or more", got=str(rows), at="--guard-rows", help="Try 100000.")
        if action == "restore" and service.expiry.retention is not None:
            raise ConfigError(
                expected="warn, freeze or baseline in a store whose samples expire",
                got="restore, which brings an older state back",
                at="--guard",
                help="Choose baseline.",
            )
        self.action, self._rows, self._service, self._webhook = action, rows, service, webhook or Webhook()
        self.by_model: dict[int, Watched] = {}

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_S)
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # noqa: BLE001 - one failed look must not end the guard
                _log.exception("the guard could not look")

    def close(self) -> None:
        """Let whom is told go."""
        self._webhook.close()

    def look(self) -> None:
        """Take the rows scored since the last look, and act where there is enough evidence."""
        for model in list(self._service.models.by_name.values()):
            watched = self._of(model)
            if watched.ahead is not None:
                self._see_recovery(model, watched)
            elif not model.paused:
                self._see(model, watched)

    def _of(self, model: Model) -> Watched:
        """Return what is known of a model, which begins anew with another champion and after a pause."""
        watched, champion = self.by_model.get(model.id), model.champion
        resumed = (
            watched is not None and watched.last is not None and watched.last["action"] == "freeze" and not model.paused
        )
        if watched is None or watched.champion != champion.id or resumed:
            alarms, last = (watched.alarms, watched.last) if watched is not None else (0, None)
            model.fallback = None
            watched = self.by_model[model.id] = Watched(
                champion.id, champion.scores.n, Evidence(self._rows), alarms=alarms
            )
            if last is not None and last["action"] == "restore" and not resumed:
                watched.last = last
        return watched

    def _fresh(self, model: Model, watched: Watched) -> tuple[Mapping[str, list[float]], int]:
        """Return the margins of the rows scored since the last look, and the last event learned."""
        with model.lock:
            scores, seq = model.champion.scores, model.at
            margins = scores.margins(scores.n - watched.seen) if scores.n > watched.seen else {}
            watched.seen = scores.n
        return margins, seq

    def _see(self, model: Model, watched: Watched) -> None:
        margins, seq = self._fresh(model, watched)
        watched.behind.update(margins)
        for name in margins:
            if watched.behind.by_baseline[name] < _calm(self._rows) or name not in watched.good:
                watched.good[name] = seq
        if watched.behind.alarmed:
            self._act(model, watched, watched.behind.baseline)
        elif watched.last is not None and self._has_recovered(watched):
            self._tell(model, watched, "recovered", watched.last["baseline"])
            watched.last = None

    def _has_recovered(self, watched: Watched) -> bool:
        return watched.seen - watched.since >= _SETTLED and watched.behind.value < _calm(self._rows)

    def _see_recovery(self, model: Model, watched: Watched) -> None:
        """Let a model answer again once it is ahead of the baseline that answers for it."""
        name = model.fallback.baseline if model.fallback is not None else ""
        margins, _ = self._fresh(model, watched)
        if watched.ahead is not None and name in margins:
            watched.ahead.update({name: [-margin for margin in margins[name]]})
            if watched.ahead.alarmed:
                watched.ahead, watched.behind, model.fallback = None, Evidence(self._rows), None
                self._tell(model, watched, "recovered", name)
                watched.last = None

    def _act(self, model: Model, watched: Watched, baseline: str) -> None:
        watched.alarms, watched.since = watched.alarms + 1, watched.seen
        self._tell(model, watched, "behind", baseline)
        watched.behind = Evidence(self._rows)
        try:
            if self.action == "freeze":
                self._service.change(self._service.models.pause, model, True)
            elif self.action == "restore":
                self._restore(model, watched.good[baseline])
            elif self.action == "baseline" and model.champion.scores.guess(baseline) is not None:
                model.fallback, watched.ahead = Fallback(baseline), Evidence(self._rows)
        except HeadwaterError as error:
            _log.error("the guard could not act", extra={"fields": {"model": model.name, "why": str(error)}})
            self._webhook.tell({"event": "failed", "model": model.name, "action": self.action, "why": str(error)})

    def _restore(self, model: Model, seq: int) -> None:
        """Promote the champion as it was after an event."""
        service, models = self._service, self._service.models
        learner, name = service.as_of(model.name, seq), f"{_PREFIX}{seq}"

        def change() -> None:
            for old in [state for state in model.live if state.name.startswith(_PREFIX) and not state.champion]:
                models.remove(model, old.name)
            models.add(model, name if name != model.champion.name else f"{name}.again", learner)

        service.change(change)
        service.change(models.promote, model, model.live[-1].name)

    def _tell(self, model: Model, watched: Watched, event: str, baseline: str) -> None:
        about = {
            "event": event,
            "model": model.name,
            "action": self.action,
            "baseline": baseline,
            "evidence": min(watched.behind.value, 1e300) if event == "behind" else None,
            "rows": self._rows,
            "seq": model.at,
            "good_seq": watched.good.get(baseline),
            "t": time.time(),
        }
        watched.last = about
        _log.warning(f"a model is {event}", extra={"fields": about})
        self._webhook.tell(about)


def _calm(rows: int) -> float:
    """Return evidence so small that the model is taken to be sound."""
    return math.sqrt(rows)
