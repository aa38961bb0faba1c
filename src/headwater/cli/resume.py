"""A new model as the options wish it, or a saved one, if the options don't contradict it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import headwater as hw
from headwater import nn
from headwater.cli.options import split_sizes
from headwater.errors import ConfigError

__all__ = ["Wishes", "open_model"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the options say about the model; None where they say nothing."""

    task: str = "auto"
    hidden: str | None = None
    optimizer: str | None = None
    lr: float | None = None
    loss: str | None = None
    seed: int | None = None

    def make(self, task: str) -> Any:
        """Return a new learner for a task, with the library's defaults where nothing is wished.

        Raises
        ------
        ConfigError
            When a wish can't be: an unknown optimizer, a loss of the other task.
        """
        wished: dict[str, Any] = {}
        if self.hidden is not None:
            wished["hidden"] = split_sizes(self.hidden)
        if self.optimizer is not None or self.lr is not None:
            wished["optimizer"] = nn.optimizer(self.optimizer or "adam", self.lr)
        if self.loss is not None:
            wished["loss"] = self.loss
        if self.seed is not None:
            wished["seed"] = self.seed
        return hw.Classifier(**wished) if task == "classify" else hw.Regressor(**wished)
