"""Text features from words and word pairs, and their online learning.

z = Σ v_w·W[w] over the words w of a sample, with tf-idf values scaled to norm 1::

    u_w = (1 + ln times_w)·ln(1 + (n + 1)/(n_w + 1)),   half of it for a pair,   v = u/‖u‖

n is the number of samples with text so far, and n_w that of samples with w. A word takes part from its second occurrence. The
mixture is softmax(Σ wₑ·zₑ + z) for classes, or Σ wₑ·yₑ + z for numbers. With the mixture p and the label y, words learn the
experts' residual::

    W[w] ← W[w] − rate/√(1 + n_w/8) · v_w·(p − y)

rate is 5 for classes and 1 for numbers, whose p − y is clipped to ±3 deviations. ‖v‖ = 1, so the length of a text doesn't
matter.

References
----------
Weinberger et al. 2009 (hashed words; here each hash has a row of its own as long as there is room); Salton & Buckley 1988
(tf-idf); Wang & Manning 2012 (pairs of words).
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["OF_A_PAIR", "RATES", "PlainText", "ngrams", "words_of"]

OF_A_PAIR = 0.5
RATES = {"classes": 5.0, "number": 1.0}
SLOWS = 1 / 8
ALONE = (
    "\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001f000-\U0001faff\U00020000-\U0003ffff"
)
"""Characters of scripts without spaces between words, and emoji. Each is a word."""


def words_of(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """Yield each word in lower case with its start, its end, and whether it is a single-character word."""
    start = -1
    for i, c in enumerate(f"{text} "):
        alone = bool(re.match(f"[{ALONE}]", c))
        inside = not alone and (c == "_" or unicodedata.category(c)[0] in "LMN")
        if start >= 0 and not inside:
            yield "".join(map(folded, text[start:i])), start, i, False
        start = i if inside and start < 0 else start if inside else -1
        if alone:
            yield c, i, i + 1, True


def folded(c: str) -> str:
    """Return a character in lower case, if that is a single character."""
    return c.casefold() if len(c.casefold()) == 1 else c


def ngrams(text: str, *, pairs: bool = True) -> Counter[tuple[str, ...]]:
    """Count the words and neighbouring word pairs of a text in lower case. The first word is paired with ''.

    Parameters
    ----------
    text : str
        Any text.
    pairs : bool
        Whether to count pairs. Pairs of single-character words are counted anyway.

    Returns
    -------
    Counter
        Counts by (word,) and (word, word).

    Examples
    --------
    >>> sorted(ngrams("Not good, not GOOD"))
    [('', 'not'), ('good',), ('good', 'not'), ('not',), ('not', 'good')]
    >>> sorted(ngrams("天气好", pairs=False))
    [('天',), ('天', '气'), ('好',), ('气',), ('气', '好')]
    """
    found: Counter[tuple[str, ...]] = Counter()
    before, end, stood_alone = "", -1, False
    for word, start, stop, alone in words_of(text):
        found[(word,)] += 1
        if pairs or (alone and stood_alone and end == start):
            found[(before, word)] += 1
        before, end, stood_alone = word, stop, alone
    return found


@dataclass(slots=True)
class PlainText:
    """Weights of words, which add to the mixture's logits or number. Rows of new words are zeros.

    Parameters
    ----------
    outputs : int
        Classes, or 1 for a number.
    rate : float
        5 for classes, 1 for a number.

    Examples
    --------
    >>> text = PlainText(outputs=2)
    >>> words = ngrams("the card does not work")
    >>> p = np.array([0.5, 0.5])  # the mixture's prediction
    >>> text.learn(words, p - np.array([1.0, 0.0]))
    >>> z = text.logits(words)
    >>> bool(z[0] > 1 > z[1])
    True
    """

    outputs: int
    rate: float = RATES["classes"]
    texts: int = 0
    seen: Counter[tuple[str, ...]] = field(default_factory=Counter)
    rows: dict[tuple[str, ...], NDArray[np.float64]] = field(default_factory=dict)

    def values(self, words: Counter[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
        """Return v of each word, scaled to norm 1."""
        u = {
            word: (OF_A_PAIR if len(word) > 1 else 1.0)
            * (1 + math.log(times))
            * math.log(1 + (self.texts + 1) / (self.seen[word] + 1))
            for word, times in words.items()
        }
        length = math.sqrt(sum(x * x for x in u.values())) or 1.0
        return {word: x / length for word, x in u.items()}

    def logits(self, words: Counter[tuple[str, ...]]) -> NDArray[np.float64]:
        """Return z (outputs,), the sum of the words' rows."""
        z = np.zeros(self.outputs)
        for word, v in self.values(words).items():
            z += v * self.rows.get(word, 0.0)
        return z

    def learn(self, words: Counter[tuple[str, ...]], slope: NDArray[np.float64]) -> None:
        """Take one step along `slope` (outputs,), which is p − y of the mixture."""
        if not words:
            return
        for word, v in self.values(words).items():
            step = self.rate / math.sqrt(1 + self.seen[word] * SLOWS) * v * slope
            self.rows[word] = self.rows.get(word, np.zeros(self.outputs)) - step
            self.seen[word] += 1
        self.texts += 1
