"""Text as a column: a sentence of NumPy's documentation says which part of NumPy it is about.

The sentences come from the docstrings that NumPy ships, in an order drawn once. Each is predicted before it is learned; nobody
says that the column is text, and nothing is made of it beforehand. The last lines show the words that a prediction rests on.
"""

import importlib
import random
import re

import headwater as hw

PARTS = ("fft", "linalg", "ma", "polynomial", "random")


def sentences(name):
    """Yield the sentences of a part's docstrings that have five words or more, each once."""
    module = importlib.import_module(f"numpy.{name}")
    objects = [getattr(module, entry, None) for entry in dir(module)]
    if name == "random":
        objects += [getattr(module.Generator, entry) for entry in dir(module.Generator)]
    if name == "polynomial":
        objects += [getattr(module.Polynomial, entry) for entry in dir(module.Polynomial)]
    texts = {line for one in objects for line in re.split(r"(?<=\.)\s+|\n\s*\n", getattr(one, "__doc__", "") or "")}
    for text in sorted(texts):
        plain = " ".join(text.replace(name, "").split())
        if len(plain.split()) >= 5 and ">>>" not in plain:
            yield {"sentence": plain}, name


def main() -> None:
    """Walk over the sentences once."""
    rows = [row for name in PARTS for row in sentences(name)]
    random.Random(0).shuffle(rows)
    model, right = hw.Classifier(seed=1), []
    for x, part in rows:
        right.append(model.predict_one(x) == part)
        model.learn_one(x, part)
    half = right[len(right) // 2 :]
    print(f"sentences: {len(rows):,} of {len(PARTS)} parts")
    print(f"right in the second half: {100 * sum(half) / len(half):.1f} %")
    print(f"read as: {model.describe()['features'][0]['kind']}")
    why = model.explain_one({"sentence": "Draw samples from a uniform distribution."})
    print(f"predicted: {why.target}")
    print(f"because of: {', '.join(name for name, _ in why.top(3))}")


if __name__ == "__main__":
    main()
