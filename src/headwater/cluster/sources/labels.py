"""Labels with several parts, each in its own column of a file or a data frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from headwater.errors import ConfigError, did_you_mean
from headwater.learner.kind import Kind, kind_named
from headwater.learner.schema.compound import read_labels
from headwater.streams import Block, Stream, as_blocks
from headwater.streams.readers.frame_rows import is_frame

__all__ = ["LabelColumns", "columns_of"]


class LabelColumns:
    """The columns of labels, of which each worker may read the rows.

    Parameters
    ----------
    kind : str
        Name of the kind that learns them.
    names : sequence of str
        The columns.

    Examples
    --------
    >>> labels = LabelColumns("MultiOutput", ["b"])
    >>> (block,) = labels.blocks([Block([{"a": 1, "b": 2}], [None], range(1, 2))])
    >>> block.X, block.y
    ([{'a': 1}], [{'b': 2}])
    """

    def __init__(self, kind: str, names: Any) -> None:
        self.kind, self.names = kind, list(names)
        answer = kind_named(kind).answer
        self._columns = {answer.fields[0].name: self.names}

    def begin(self, stream: Stream) -> None:
        """Let a stream read the columns as labels are read, and close it if that can't be.

        Raises
        ------
        ConfigError
            If a column is not there.
        """
        try:
            stream.look()
            self._check(stream)
        except BaseException:
            stream.close()
            raise
        read_labels(stream, kind_named(self.kind).answer, self._columns, self.names)

    def _check(self, stream: Stream) -> None:
        for name in self.names:
            if stream.columns and name not in stream.columns:
                raise ConfigError(
                    expected=f"a column {name}",
                    got="none",
                    at=stream.name,
                    help=did_you_mean(name, stream.columns),
                )

    def settings(self, rows: Any, *, task: str, at: str, known: Any) -> dict[str, Any]:
        """Return settings of a new learner from the first rows, or none for a known one."""
        table = kind_named(self.kind).answer.table
        return {} if table is None else dict(table(self._columns).settings(rows, task=task, at=at, known=known))

    def blocks(self, source: Any) -> Iterator[Block]:
        """Yield the blocks of a source with the labels apart from the rows."""
        table = kind_named(self.kind).answer.table
        if table is None:
            return
        columns = table(self._columns)
        for block in as_blocks(source, answers=False):
            pairs = columns.pairs([dict(x) for x in block.X])
            yield replace(block, X=[x for x, _ in pairs], y=[y for _, y in pairs])


def columns_of(kind: Kind, target: Any, stream: Any) -> LabelColumns | None:
    """Return the columns of labels with several parts, or None for plain labels and for pairs.

    Raises
    ------
    ConfigError
        If the columns of a file or a data frame are not named, or those of something without columns are.
    """
    if not kind.answer.compound or isinstance(target, LabelColumns):
        return target if isinstance(target, LabelColumns) else None
    paths = stream if isinstance(stream, list) else [stream]
    of_files = bool(paths) and all(isinstance(one, str | Path) for one in paths)
    has_columns = of_files or isinstance(stream, Stream) or is_frame(stream)
    if target is None and not has_columns:
        return None
    names = [target] if isinstance(target, str) else list(target or ())
    if not names or not has_columns:
        raise ConfigError(
            expected="files or a data frame with the names of the labels' columns, or pairs (x, label)",
            got="no target" if has_columns else f"{type(stream).__name__} with a target",
            at="target",
            help="Give e.g. target=['late', 'delay']." if has_columns else "Leave target out.",
        )
    return LabelColumns(kind.name, names)
