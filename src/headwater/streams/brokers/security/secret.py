"""Secret text that is never printed or logged."""

from __future__ import annotations

__all__ = ["Secret"]


class Secret:
    """Wrap a text so that ``repr`` and ``str`` don't show it.

    Parameters
    ----------
    text
        The password.

    Examples
    --------
    >>> secret = Secret("hunter2")
    >>> secret, f"{secret}", secret.reveal()
    (Secret(…), 'Secret(…)', 'hunter2')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, for a broker's client only."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)
