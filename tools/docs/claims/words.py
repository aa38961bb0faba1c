"""What is said in both languages."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """Return the text in a language."""
        return self.zh if language == "zh" else self.en


def same(text: object) -> Words:
    """Return a text that both languages have as it is."""
    return Words(str(text), str(text))


def numbered(seeds: list[int]) -> Words:
    """Return which seeds were used."""
    listed = ", ".join(map(str, seeds))
    return same(listed) if seeds else same("–")
