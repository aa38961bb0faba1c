"""Differential privacy of learners, an audit of such promises, and attacks that show what leaks without them."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.privacy.accountant import epsilon_of, noise_multiplier
    from headwater.privacy.attacking import Attack, attack
    from headwater.privacy.auditing import Audit, audit
    from headwater.privacy.promise import Promise
    from headwater.privacy.settings import Privacy

__all__ = ["Attack", "Audit", "Privacy", "Promise", "attack", "audit", "epsilon_of", "noise_multiplier"]

__getattr__ = lazily(
    __name__,
    {
        ".accountant": "epsilon_of noise_multiplier",
        ".attacking": "Attack attack",
        ".auditing": "Audit audit",
        ".promise": "Promise",
        ".settings": "Privacy",
    },
)
