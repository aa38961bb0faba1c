"""``headwater learn`` with the options that only some kinds have, whose declarations a classifier need not read."""

from __future__ import annotations

from functools import wraps
from typing import Annotated, Any, get_type_hints

from cyclopts import Parameter

from headwater.cli.learn import learn as plain
from headwater.cli.options.declared import kinds_columns, kinds_settings, options_of

__all__ = ["KindOptions", "learn"]

_COLUMNS = kinds_columns()
KindOptions = options_of(
    "KindOptions", [*kinds_settings(), *_COLUMNS], columns=frozenset([field.name for _, field in _COLUMNS])
)


@wraps(plain)
def learn(*source: str, **options: Any) -> int:
    """Learn, as ``plain`` does."""
    return plain(*source, **options)


learn.__annotations__ = {
    **get_type_hints(plain, include_extras=True),
    "more": Annotated[KindOptions | None, Parameter(name="*")],
}
