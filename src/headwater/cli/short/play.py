"""``headwater play`` trains an agent in a Gymnasium environment."""

from __future__ import annotations

import json as json_
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from headwater.cli.options.shared import check_writable
from headwater.cli.options.task import saved
from headwater.errors import ConfigError, MissingExtra, counted
from headwater.learner.kind import kind_with
from headwater.streams.files.open_file import is_model
from headwater.streams.files.terminal import go_on_unread
from headwater.streams.interrupt import CtrlC

__all__ = ["play"]

LINES = 10


def play(
    environment: Annotated[str, Parameter(metavar="ENVIRONMENT")],
    /,
    *,
    steps: int = 100_000,
    model: Path | None = None,
    method: str | None = None,
    explore: int | None = None,
    seed: int = 0,
    json: bool = False,
) -> int:
    """Train an agent step by step, and print the mean return of the episodes ten times.

    Parameters
    ----------
    environment
        The name of an environment of Gymnasium, such as CartPole-v1.
    steps
        How many.
    model
        A file to save to; if it exists, learning goes on from it.
    method
        q or ac, of a new agent.
    explore
        Of a new agent: over so many steps the share of random actions falls; a tenth of --steps without it.
    seed
        Of a new agent and of the environment.
    json
        Print JSON lines instead of a table.
    """
    if model is not None:
        check_writable(model, "--model")
    if steps < 1:
        raise ConfigError(expected="1 step or more", got=str(steps), at="--steps", help="Try --steps 100000.")
    env = _made(environment)
    agent = _begin(model, env, {"method": method, "explore": steps // 10 if explore is None else explore, "seed": seed})
    with ExitStack() as opened:
        if model is not None:
            opened.enter_context(go_on_unread())
            opened.enter_context(_saving(agent, model))
        _play(agent, env, steps, seed, as_json=json)
    return 0


def _play(agent: Any, env: Any, steps: int, seed: int, *, as_json: bool) -> None:
    """Act and learn step by step; Ctrl-C ends it between two steps."""
    observation, _ = env.reset(seed=seed)
    returns: list[float] = []
    total, every = 0.0, -(-steps // LINES)
    with CtrlC() as ctrl_c:
        for step in ctrl_c.between(iter(range(1, steps + 1))):
            action = agent.act(observation)
            following, reward, terminated, truncated, _ = env.step(action)
            agent.learn(observation, action, float(reward), following, bool(terminated), bool(truncated))
            total += float(reward)
            observation = following
            if terminated or truncated:
                returns.append(total)
                total = 0.0
                observation, _ = env.reset()
            if step % every == 0 or step == steps:
                _say(step, returns, as_json=as_json)
                returns = []


@contextmanager
def _saving(agent: Any, model: Path) -> Iterator[None]:
    """Save an agent at the end, also after Ctrl-C and an error of the environment."""
    before = agent.n_learned
    try:
        yield
    except BaseException:
        if agent.n_learned > before:
            agent.save(model)
            steps = counted(agent.n_learned - before, "step")
            print(f"{steps} learned before this, and kept in {model}.", file=sys.stderr)
        raise
    agent.save(model)


def _made(environment: str) -> Any:
    if is_model(environment):
        raise ConfigError(
            expected="an environment of Gymnasium",
            got=f"a saved model, {environment}",
            at="play",
            help=f"Name both: headwater play ENVIRONMENT --model {environment}",
        )
    try:
        import gymnasium
    except ImportError as error:
        raise MissingExtra(package="gymnasium", extra="rl", at="headwater play") from error
    try:
        return gymnasium.make(environment)
    except gymnasium.error.Error as error:
        raise ConfigError(
            expected="an environment of Gymnasium",
            got=f"{environment} ({error})"[:200],
            at="play",
            help="Try CartPole-v1.",
        ) from error


def _begin(model: Path | None, env: Any, settings: dict[str, Any]) -> Any:
    kind = kind_with("agent")
    new = kind.make({"actions": env.action_space, **settings})
    learner = saved(model, kind) or new
    if learner.actions != new.actions:
        raise ConfigError(
            expected="an agent with the actions of this environment",
            got=repr(learner)[:100],
            at=str(model),
            help="Name another file.",
        )
    return learner


def _say(step: int, returns: list[float], *, as_json: bool) -> None:
    mean = float(np.mean(returns)) if returns else None
    if as_json:
        print(json_.dumps({"steps": step, "episodes": len(returns), "return": mean}), flush=True)
        return
    said = "no episode ended" if mean is None else f"{counted(len(returns), 'episode')}, mean return {mean:,.1f}"
    print(f"{step:>10,} steps: {said}", flush=True)
