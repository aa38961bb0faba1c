"""An agent that loses nothing it was taught."""

from __future__ import annotations

from typing import Any

from headwater.store.service.durable_learner import DurableLearner

from .states import as_state

__all__ = ["DurableAgent"]


class DurableAgent(DurableLearner):
    """A durable agent, with the methods of one in memory."""

    def act(self, observation: Any, explore: bool = True) -> Any:
        """Return the action that an agent takes, as ``Agent.act`` does; nothing is changed."""
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
    ) -> int:
        """Learn what an agent's action led to, once it is on disk; as ``Agent.learn``.

        Returns
        -------
        int
            The transition's number in the journal.
        """
        following = None if next_observation is None else as_state(next_observation)
        transition = {"action": action, "reward": reward, "next": following, "terminated": bool(terminated)}
        return self.learn_one(as_state(observation), transition | {"truncated": bool(truncated)})
