"""One learner on one set, in a process of its own: ``python -m benchmarks.text.one LEARNER SET`` prints one line of JSON."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Rows = list[tuple[str, str]]


def folder() -> Path:
    """Return where the sets lie."""
    return Path(os.environ["HEADWATER_DATA"]) / "text"


def questions(name: str) -> Rows:
    """Return texts and intents of Banking77."""
    with gzip.open(folder() / f"banking77_{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def banking() -> tuple[Rows, Rows]:
    """Return 10,003 questions to learn, shuffled since they are sorted, and 3,080 to test."""
    return shuffled(questions("train")), questions("test")


def clinc() -> tuple[Rows, Rows]:
    """Return 15,000 requests of 150 kinds to learn and 4,500 to test; none that are out of scope."""
    with gzip.open(folder() / "clinc150.json.gz", "rt", encoding="utf-8") as file:
        parts = json.load(file)
    return shuffled([(text, intent) for text, intent in parts["train"]]), [
        (text, intent) for text, intent in parts["test"]
    ]


def news() -> tuple[Rows, Rows]:
    """Return AG's 7,600 news in their order; each is predicted before it is learned, and there is no other test."""
    with gzip.open(folder() / "ag_news_test.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return [(f"{title} {body}", label) for label, title, body in csv.reader(file)], []


SETS: dict[str, Callable[[], tuple[Rows, Rows]]] = {"Banking77": banking, "CLINC150": clinc, "AG news": news}


def shuffled(rows: Rows) -> Rows:
    """Return rows in an order drawn from seed 0."""
    random.Random(0).shuffle(rows)
    return rows


class Headwater:
    """The default classifier; the column is found to be text."""

    def __init__(self, classes: list[str], **settings: Any) -> None:
        import headwater as hw

        self.model = hw.Classifier(**settings)

    def predict(self, text: str) -> str | None:
        """Return the class."""
        answer: str | None = self.model.predict_one({"text": text})
        return answer

    def learn(self, text: str, label: str) -> None:
        """Learn one row."""
        self.model.learn_one({"text": text}, label)


class VowpalWabbit:
    """One against all over words and pairs of words, with its defaults (adaptive, normalised, invariant steps)."""

    def __init__(self, classes: list[str]) -> None:
        from vowpalwabbit import Workspace

        self.classes, self.number = classes, {label: i + 1 for i, label in enumerate(classes)}
        self.model = Workspace(f"--oaa {len(classes)} --ngram 2 -b 22 --quiet")

    def predict(self, text: str) -> str:
        """Return the class."""
        return self.classes[self.model.predict("| " + words(text)) - 1]

    def learn(self, text: str, label: str) -> None:
        """Learn one row."""
        self.model.learn(f"{self.number[label]} | {words(text)}")


def words(text: str) -> str:
    """Return the words of a text in lower case, as VowpalWabbit's format has them."""
    return " ".join(re.findall(r"\w+", text.lower()))


class River:
    """A pipeline of River's."""

    def __init__(self, classes: list[str], pipeline: str) -> None:
        from river import feature_extraction, linear_model, naive_bayes

        self.model = {
            "bayes": lambda: feature_extraction.BagOfWords(ngram_range=(1, 2)) | naive_bayes.MultinomialNB(alpha=0.1),
            "softmax": lambda: feature_extraction.TFIDF(ngram_range=(1, 2)) | linear_model.SoftmaxRegression(),
        }[pipeline]()

    def predict(self, text: str) -> Any:
        """Return the class."""
        return self.model.predict_one(text)

    def learn(self, text: str, label: str) -> None:
        """Learn one row."""
        self.model.learn_one(text, label)


LEARNERS: dict[str, Callable[[list[str]], Any]] = {
    "headwater": Headwater,
    "headwater-fast": lambda classes: Headwater(classes, effort="fast"),
    "vw": VowpalWabbit,
    "river-bayes": lambda classes: River(classes, "bayes"),
    "river-softmax": lambda classes: River(classes, "softmax"),
}


def main() -> None:
    """Walk over the set once: predict each row, then learn it; then test."""
    learner, name = sys.argv[1:]
    rows, tests = SETS[name]()
    model = LEARNERS[learner](sorted({label for _, label in rows + tests}))
    began, right = time.process_time(), 0
    for text, label in rows:
        right += model.predict(text) == label
        model.learn(text, label)
    spent = time.process_time() - began
    out = {"rows": len(rows), "prequential": 100 * right / len(rows), "us": spent / len(rows) * 1e6}
    if tests:
        out["test"] = 100 * sum(model.predict(text) == label for text, label in tests) / len(tests)
    print(json.dumps(out))


if __name__ == "__main__":
    main()
