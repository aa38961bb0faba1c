"""The durable bandit, which issues actions and learns their delayed rewards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.kinds.bandit.decision import Offer, drawn, with_reward
from headwater.store.journal.events import ROLLED
from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableBandit"]


class DurableBandit(DurableLearner):
    """A durable bandit, with the methods of `Bandit`. Rewards may arrive later, by id."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the action with the largest expected reward, without changing anything."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def act(self, x: Mapping[Any, Any], actions: Offer | None = None) -> tuple[Any, float]:
        """Draw an action for a row, using the operating system's unpredictable random numbers.

        Returns
        -------
        action, p
            The action and its probability. Pass both to ``learn`` with the reward, or use ``act_with_id``, which stores them.
        """
        with self._model.lock:
            p: dict[Any, float] = self.learner.probabilities(x, actions)
        action = drawn(p)
        return action, p[action]

    def learn(
        self,
        x: Mapping[Any, Any],
        action: Any,
        reward: float,
        p: float = 1.0,
        actions: Offer | None = None,
        w: float = 1.0,
        *,
        id: str | None = None,  # noqa: A002 - as over HTTP
    ) -> int:
        """Write an action's reward and its weight to disk, then learn it.

        Returns
        -------
        int
            Number of the event in the journal.
        """
        offer = actions if isinstance(actions, Mapping) else list(actions or ())
        given = [action, reward, p] if actions is None else [action, reward, p, offer]
        answers = self._commit([self._event(x, given, w, id)])
        return int(answers[0]["seq"])

    def act_with_id(self, x: Mapping[Any, Any], actions: Offer | None = None) -> tuple[str, Any, float]:
        """Draw an action whose reward will arrive later.

        Returns
        -------
        id : str
            Id to pass to ``reward``. Row, action and probability are stored under it, and survive any end of the process.
        action, p
            The action and its probability.
        """
        name, (action, p) = self._keep(x, actions=actions)
        return name, action, p[action]

    def reward(self, id: str, reward: float, w: float | None = None) -> dict[str, Any]:  # noqa: A002 - as over HTTP
        """Learn the reward of an earlier action, with weight w.

        Returns
        -------
        dict
            ``seq``, ``waited_s``, and ``late`` or ``repeated`` if true.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If the reward can't be learned.
        DataError
            If the reward is not a finite number.
        """
        return self.label(id, reward, w)

    def _learned(self) -> list[Any]:
        """Return the events of the journal that were learned, each with the row that the learner read."""
        name = ROLLED + self._model.champion.name
        found = [event for event in self.service.events(self._model.name) if event.step is None]
        if self.learner.has_rolling:
            for event in found:
                event.x |= ((event.predicted or {}).get(name) or ({},))[0]
        return found

    def value(self, policy: Any) -> Any:
        """Estimate a policy's mean reward from the rows still in the journal, as ``Bandit.value`` does.

        Parameters
        ----------
        policy : Bandit or callable
            As in ``Bandit.value``.

        Returns
        -------
        PolicyValue
        """
        log = [(event.x, with_reward(event.predicted, event.y)) for event in self._learned()]
        return self.learner.value(policy, log)
