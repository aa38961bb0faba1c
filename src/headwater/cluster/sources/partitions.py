"""Sources of a run that the workers read themselves, each from its place on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from headwater.cluster.worker import Block, Outcome
from headwater.errors import ConfigError, counted
from headwater.streams import Target
from headwater.streams.brokers.address import is_address, read_address
from headwater.streams.files.addresses import shown

from .labels import LabelColumns
from .reader import Part, Place, Reading

__all__ = ["Partitions", "check_same"]


class Partitions:
    """Sources with the same columns, which several workers read side by side.

    The coordinator reads the first rows of the first source, to infer the dtypes for all, and later only learns from workers
    how far they have come.

    Parameters
    ----------
    sources : sequence of str or Path
        Files or addresses. Each must give the same rows in the same order whenever it is opened.
    target : str or sequence of str, optional
        Column of the labels, or columns of labels with several parts.
    **options
        Further options of ``read``.

    Raises
    ------
    ConfigError
        For anything but a list of sources that can be read again.
    """

    def __init__(self, sources: Any, target: Any = None, **options: Any) -> None:
        _check(sources)
        self.sources: list[str | Path] = list(sources)
        self.target, self.options = target, options
        self.places: tuple[Place, ...] = tuple(Place(_named(one)) for one in self.sources)
        self._reading: Reading

    def begin(
        self,
        task: str,
        places: Sequence[Place],
        problem: Callable[[Any], str],
        labels: LabelColumns | None = None,
    ) -> None:
        """Infer how all sources are read, and continue from the places of a manifest, if it has any.

        Raises
        ------
        ConfigError
            If the manifest has other sources.
        """
        check_same(self.places, places)
        self.places = tuple(places) or self.places
        target = self.target if labels is None else None
        first = Reading(target, task, None, {}, self.options, problem, labels)
        goal: Target | None = None
        known: Mapping[str, dict[str, object]] = {}
        if not is_address(self.sources[0]):  # a broker tells its types, and must not wait for rows here
            with first.open(self.sources[0], None) as stream:
                goal, known = stream.goal, stream.reading()
        self._reading = Reading(target, task, goal, known, self.options, problem, labels)

    @property
    def live(self) -> int:
        """Number of sources that have not ended."""
        return sum(not place.ended for place in self.places)

    @property
    def left_out(self) -> Counter[str]:
        """Number of rows left out in all sources, by reason."""
        return sum((Counter(place.left_out) for place in self.places), Counter())

    def deal(self, blocks: int, size: int) -> list[Block]:
        r"""Return blocks of the sources from which the fewest rows were taken, in their order.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     paths = [Path(folder, name) for name in ("a.csv", "b.csv")]
        ...     for path in paths:
        ...         _ = path.write_text("x,y\n1,p\n2,q\n")
        ...     parts = Partitions(paths, "y")
        ...     parts.begin("classify", (), lambda y: "")
        >>> [(block.index, block.part.number, block.part.size) for block in parts.deal(2, 100)]
        [(0, 0, 100), (1, 1, 100)]
        """
        open_ones = [i for i, place in enumerate(self.places) if not place.ended]
        chosen = sorted(sorted(open_ones, key=lambda i: (self.places[i].learned, i))[:blocks])
        return [
            Block(k, [], [], range(0), part=Part(i, self.sources[i], self.places[i], size, self._reading))
            for k, i in enumerate(chosen)
        ]

    def settle(self, blocks: Sequence[Block], outcomes: Sequence[Outcome]) -> list[Block]:
        """Note how far the workers have come, and return what they have learned, without samples."""
        done = {outcome.index: outcome for outcome in outcomes}
        places, learned = list(self.places), []
        for block in blocks:
            found = done[block.index].found if block.index in done else None
            if found is not None and block.part is not None:
                y, places[block.part.number] = found
                learned.append(Block(block.index, [], y, range(len(y))))
        self.places = tuple(places)
        return learned


def check_same(given: Sequence[Place], kept: Sequence[Place]) -> None:
    """Raise ConfigError if a manifest has places in other sources.

    Raises
    ------
    ConfigError
        With the first source that differs.
    """
    names, known = ([place.source for place in places] for places in (given, kept))
    if not known or names == known:
        return
    first = next((i for i, pair in enumerate(zip(names, known, strict=False)) if pair[0] != pair[1]), None)
    raise ConfigError(
        expected=f"the {len(known)} sources of the manifest"
        + ("" if first is None else f", of which source {first + 1} is {known[first]}"),
        got=counted(len(names), "source") if first is None else names[first],
        at="the sources",
        help="Give the same list in the same order, or begin a new model with another path for the manifest.",
    )


def _check(sources: Any) -> None:
    several = isinstance(sources, list | tuple) and sources
    if not several or not all(isinstance(one, str | Path) for one in sources):
        raise ConfigError(
            expected="a list of files or addresses",
            got=type(sources).__name__ if not isinstance(sources, list | tuple) else "other things or none in the list",
            at='a source with partition="sources"',
            help='Give one per partition, such as ["a.csv", "b.csv"], or leave partition out.',
        )
    for one in map(str, sources):
        if one == "-" or (is_address(one) and read_address(one).options.get("from") == "end"):
            raise ConfigError(
                expected="sources that can be read again from their beginning",
                got="standard input" if one == "-" else "from=end",
                at='a source with partition="sources"',
                help="Give files, or addresses without from=end.",
            )


def _named(source: str | Path) -> str:
    return read_address(str(source)).at if is_address(source) else shown(str(source))
