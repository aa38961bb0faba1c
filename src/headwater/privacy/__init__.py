"""Differential privacy of learners, an audit of such promises, and attacks that show what leaks without them."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPES
from typing import Any as _Any

if _TYPES:
    from .accountant import epsilon_of, noise_multiplier
    from .attacking import attack
    from .auditing import audit
    from .promise import Promise
    from .settings import Privacy

__all__ = ["Privacy", "Promise", "attack", "audit", "epsilon_of", "noise_multiplier"]

_ROOMS = {
    "Privacy": ".settings",
    "Promise": ".promise",
    "attack": ".attacking",
    "audit": ".auditing",
    "epsilon_of": ".accountant",
    "noise_multiplier": ".accountant",
}


def __getattr__(name: str) -> _Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(_ROOMS[name], __name__), name)


def __dir__() -> list[str]:
    """Name every public function and class, for completion."""
    return sorted(__all__)
