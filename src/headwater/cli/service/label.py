"""``headwater label`` shows rows that are worth a label one after the other, and learns the labels given by single keys."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import check_writable
from headwater.cli.terminal.presses import presses
from headwater.errors import ConfigError, counted
from headwater.learner.kind import check_can, default_kind
from headwater.route.verdict.numbers import figure

__all__ = ["label"]

_KEYS = "Enter as proposed · 1-9 a class · n NAME another · s skip · u undo · q quit"
_LATELY = 20
"""Proposals of which the summary says how many were right."""
_FEW = 30
"""Labels from which on the estimate over all rows is shown."""
_MOST = 40
"""Columns of a row that are shown."""


def label(
    store: Path,
    rows: str | None = None,
    /,
    *,
    budget: float = 0.05,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
) -> int:
    """Label the rows of a store that are worth it: Enter takes the proposed class, 1 to 9 another, s skips, u takes the last back.

    For several people at once run `headwater serve --store FILE` and open /page/label/index.html: nobody gets a row of another.

    Parameters
    ----------
    store
        The store of a durable classifier or a server that is not running; a new one is made where none is.
    rows
        A file of rows to choose from first, such as a CSV file.
    budget
        The share of those rows that is to be labeled: the uncertain ones, and a few by chance.
    target
        A column of the file that is not to be read, because it holds labels.
    reading
        How the file is read.
    """
    from headwater.store.durable import open as open_store

    check_writable(store, "label")
    with open_store(store, None if store.exists() else default_kind().make({})) as model:
        check_can(model.learner, "labels", at=str(store))
        if rows is not None:
            print(_chosen(model, _read(rows, reading or ReadingOptions(), target), budget))
        desk = Desk(model)
        try:
            desk.work(presses())
        finally:
            desk.keep()
            print(desk.summary())
    return 0


def _read(source: str, reading: ReadingOptions, target: str | None) -> Iterable[dict[Any, Any]]:
    """Yield the rows of a file, without the column of labels."""
    notes = reading.notes(None, target=None)
    with reading.open([source], notes | {"drop": [*notes["drop"], *([target] if target else [])]}, task=None) as stream:
        for block in stream.blocks():
            yield from (dict(x) for x in block.X)


def _chosen(model: Any, rows: Iterable[dict[Any, Any]], budget: float) -> str:
    asked = [model.should_label(x, budget) for x in rows]
    return f"{counted(len(asked), 'row')} read, {sum(asked):,} chosen for a label."


class Desk:
    """Where one person labels rows. The last label is held back until the next, so that it can be taken back.

    Parameters
    ----------
    model : DurableNet
        The open store.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._task: Any = None
        self._held: tuple[Any, Any] | None = None
        self._again: list[Any] = []
        self._skipped: set[str] = set()
        self._right = deque[bool](maxlen=_LATELY)
        self._learned = 0

    def work(self, keys: Iterable[str]) -> None:
        """Show rows and follow the keys until there are no more of either."""
        if not self._next():
            return
        for key in keys:
            if key == "q" or not self._follow(key):
                return

    def _follow(self, key: str) -> bool:
        """Do what a key says, and return whether there is another row."""
        if key == "s":
            self._model.release_label(self._task.id)
            self._skipped.add(self._task.id)
            return self._next()
        if key == "u":
            return self._undo()
        try:
            chosen = self._class_of(key)
        except ConfigError as error:
            print(error, file=sys.stderr)
            return True
        self.keep()
        self._held = self._task, chosen
        return self._next()

    def _class_of(self, key: str) -> Any:
        """Return the class that a key names.

        Raises
        ------
        ConfigError
            If it names none.
        """
        classes = self._model.classes
        if key == "" and self._task.y_pred is not None:
            return self._task.y_pred
        if key.startswith("n ") and key[2:].strip():
            name = key[2:].strip()
            return next((one for one in classes if str(one) == name), name)
        if key.isdecimal() and 0 < int(key) <= min(9, len(classes)):
            return classes[int(key) - 1]
        raise ConfigError(expected="one of the keys shown", got=repr(key), at="label", help=_KEYS)

    def _undo(self) -> bool:
        if self._held is None:
            print("There is nothing to take back: a label is learned once the next is given.", file=sys.stderr)
            return True
        self._again.append(self._task)
        self._task, self._held = self._held[0], None
        return self._show()

    def keep(self) -> None:
        """Learn the label that is held back."""
        if self._held is not None:
            (task, chosen), self._held = self._held, None
            self._model.label(task.id, chosen)
            self._right.append(task.y_pred == chosen)
            self._learned += 1

    def _next(self) -> bool:
        self._task = self._again.pop() if self._again else self._model.next_label()
        if self._task is not None and self._task.id in self._skipped:
            self._model.release_label(self._task.id)
            self._task = None
        return self._task is not None and self._show()

    def _show(self) -> bool:
        task = self._task
        print(f"\n{task.id} · {task.waiting:,} wait")
        for name, value in list(task.x.items())[:_MOST]:
            print(f"  {name}: {value}")
        named = [
            f"{i} {one}{f' {task.proba.get(one, 0.0):.0%}' if task.proba else ''}{' ←' if one == task.y_pred else ''}"
            for i, one in enumerate(self._model.classes[:9], 1)
        ]
        print("   ".join(named) or "No class is known yet: n NAME names the first.")
        print(_KEYS, flush=True)
        return True

    def summary(self) -> str:
        """Return how many labels were learned, how good the proposals were lately, and how many rows wait."""
        said = [f"{counted(self._learned, 'label')} learned, {counted(self._model.labels_waiting, 'row')} waiting."]
        if self._right:
            said.append(f"Of the last {len(self._right)} proposals {sum(self._right)} were right.")
        found = self._model.scores.get("labeled")
        if found is not None and found["n"] >= _FEW:
            about = f"{100 * found['value']:.0f} ± {100 * found['error']:.0f} %"
            said.append(f"Right over all rows, from {figure(found['n'])} labels with weights 1/p: {about}.")
        return " ".join(said)
