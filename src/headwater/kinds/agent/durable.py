"""The durable agent."""

from __future__ import annotations

from typing import Any

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableAgent"]


class DurableAgent(DurableLearner):
    """A durable agent, with the methods of `Agent`."""

    def act(self, observation: Any, explore: bool = True) -> Any:
        """Return the agent's action as ``Agent.act`` does, without changing anything."""
        with self._model.lock:
            return self.learner.act(observation, explore)

    def learn(
        self,
        observation: Any,
        action: Any,
        reward: float,
        next_observation: Any,
        terminated: bool = False,
        truncated: bool = False,
        w: float = 1.0,
    ) -> int:
        """Write a transition and its weight to disk, then learn it as ``Agent.learn`` does.

        Returns
        -------
        int
            Number of the transition in the journal.
        """
        following = None if next_observation is None else self.learner.state_of(next_observation)
        transition = {"action": action, "reward": reward, "next": following, "terminated": bool(terminated)}
        return self.learn_one(self.learner.state_of(observation), transition | {"truncated": bool(truncated)}, w)
