"""An embedding classifier, corrected by hand: each click teaches it, at once.

A topic is guessed as the one whose name lies nearest to a text's embedding, with nothing trained: a good start that knows nothing of
this house's words. A person goes through the texts and clicks the right topic of each.
"""

import random

import numpy as np

import headwater as hw

draw, rng = np.random.default_rng(1), random.Random(1)
WORDS = {  # said of a topic everywhere, and in this house alone
    "billing": ("invoice refund charge price", "kestrel ledger"),
    "delivery": ("parcel courier late address", "osprey depot"),
    "account": ("password login email profile", "falcon vault"),
}
FILLER = ["please", "help", "the", "my", "with", "today", "again", "since", "order", "question"]
topics = list(WORDS)
center = {topic: draw.normal(size=384) for topic in topics}
meaning = {word: draw.normal(size=384) for word in FILLER}
for topic, (usual, own) in WORDS.items():
    near = {word: center[topic] + draw.normal(size=384) for word in usual.split()}
    meaning |= near | {word: draw.normal(size=384) for word in own.split()}


def text():
    """Return a text and its topic; two of three texts speak the words of this house."""
    topic = rng.choice(topics)
    words = WORDS[topic][rng.random() < 2 / 3].split()
    return rng.sample(words, 2) + rng.sample(FILLER, 3), topic


def embed(words):
    """Stand for a model of sentences: the mean of the words' meanings."""
    return np.mean([meaning[word] for word in words], axis=0)


def guess(x):
    """Return the probability of each topic by how near its name is."""
    e = x["embedding"]
    near = np.array([e @ center[t] / np.linalg.norm(e) / np.linalg.norm(center[t]) for t in topics])
    p = np.exp(10 * (near - near.max()))
    return dict(zip(topics, (p / p.sum()).tolist(), strict=True))


model = hw.Correct(guess, hw.Classifier(seed=1))
unseen = [text() for _ in range(500)]
for clicks in range(51):
    if clicks in (0, 30, 50):
        right = sum(model.predict_one({"embedding": embed(words)}) == topic for words, topic in unseen)
        print(f"after {clicks} clicks: {right / len(unseen):.1%} of unseen texts right")
    words, clicked = text()
    model.learn_one({"embedding": embed(words)}, clicked)
