"""The durable router, whose choices, costs, prices and waiting choices survive any end of the process."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from headwater.kinds.router.learner import Choice, Point, Router
from headwater.kinds.router.outcome import decision_of, told_later, with_choice
from headwater.kinds.router.prompts import row_of
from headwater.store.journal.events import OFFER, observation
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest
from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableRouter"]


class DurableRouter(DurableLearner):
    """A durable router, with the methods of `Router`. Every choice, outcome and price is on disk before a call returns."""

    def choose(self, prompt: Any = None, tokens: float | None = None) -> Choice:
        """Choose a model for a prompt, using the operating system's unpredictable random numbers.

        The choice waits in the store for its outcome, and what it is expected to cost is counted at once.

        Parameters
        ----------
        prompt, tokens
            As in ``Router.choose``.

        Returns
        -------
        Choice
        """
        row = self._exact(row_of(prompt, tokens))
        request = PendingRequest(self._model.id, self._model.issue([row], {"tokens": tokens}))
        self._run(request)
        said = request.predictions[0].predicted
        model, shares = said[self._model.champion.name]
        quality, cost, *_ = said[OFFER][0]
        return Choice(request.answers[0]["id"], model, (shares or {})[model], quality, cost)

    def reward(self, id: str, quality: float | None = None, cost: float | None = None) -> dict[str, Any]:  # noqa: A002
        """Learn how good an answer was and what it cost.

        Parameters
        ----------
        id, quality, cost
            As in ``Router.reward``.

        Returns
        -------
        dict
            ``seq``, ``waited_s``, and ``late`` or ``repeated`` if true.

        Raises
        ------
        UnknownId, ExpiredId, ConflictingId
            If the choice does not wait.
        DataError
            If the quality or the cost can't be.
        """
        request = LabelRequest(self._model.id, id, told_later({"quality": quality, "cost": cost}, self.learner))
        self._run(request)
        return request.answers[0]

    @property
    def models(self) -> MutableMapping[str, float]:
        """Price of each model for a million tokens. A change is on disk before it counts."""
        return _Prices(self)

    @property
    def budget(self) -> float | None:
        """Mean cost of a decision that is aimed at. A change is on disk before it counts."""
        found: float | None = self.learner.budget
        return found

    @budget.setter
    def budget(self, budget: float | None) -> None:
        self._change({"budget": budget})

    def _change(self, told: dict[str, Any]) -> None:
        """Write a change of prices or of the budget to disk, then make it."""
        Router.check_change(told)
        self._run(LearnRequest(self._model.id, [observation(told)]))

    @property
    def decisions(self) -> int:
        """Number of decisions."""
        return int(self.learner.decisions)

    @property
    def spent(self) -> float:
        """Cost of all decisions, of those whose cost was not told the expected one."""
        return float(self.learner.spent)

    @property
    def price(self) -> float:
        """The dual variable λ: quality that a decision must gain to be worth a budget more."""
        return float(self.learner.price)

    @property
    def chosen(self) -> dict[str, int]:
        """Number of decisions by model."""
        found: dict[str, int] = self.learner.chosen
        return found

    def frontier(self, prompts: int = 1_000) -> list[Point]:
        """Return what quality can be expected at each mean cost, as ``Router.frontier`` does."""
        found: list[Point] = self.learner.frontier(prompts)
        return found

    def value(self, policy: Any) -> Any:
        """Estimate the mean quality of another policy from the choices still in the journal, as ``Router.value`` does.

        Returns
        -------
        PolicyValue
        """
        events = (event for event in self.service.events(self._model.name) if event.step is None)
        told = ((event.x, decision_of(with_choice(event.predicted, event.y))) for event in events)
        return self.learner.value_of(policy, [(x, decision) for x, decision in told if decision is not None])


class _Prices(MutableMapping[str, float]):
    """The prices of a durable router, whose changes are written to its store."""

    def __init__(self, router: DurableRouter) -> None:
        self._router = router

    def __getitem__(self, model: str) -> float:
        return float(self._router.learner.models[model])

    def __setitem__(self, model: str, price: float) -> None:
        self._router._change({"models": {model: price}})

    def __delitem__(self, model: str) -> None:
        if model not in self:
            raise KeyError(model)
        self._router._change({"models": {model: None}})

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._router.learner.models))

    def __len__(self) -> int:
        return len(self._router.learner.models)

    def __repr__(self) -> str:
        return repr(dict(self._router.learner.models))
