"""Labels within a budget: people label the rows that are worth it, and the score stands for all rows.

Nobody can label every message. The model says which are worth a label: those that it is unsure of, and a few by chance. Each was
asked with a known probability p, so weights 1/p turn the score of the labeled rows into one of all rows. Here all labels are known,
so that both can be seen: what asking gains over chance, and whether the estimate holds.
"""

import random

import headwater as hw

ROWS, BUDGET = 10_000, 0.05


def messages():
    """Yield messages and their folders, of which two are hard to tell apart."""
    rng = random.Random(1)
    for _ in range(ROWS):
        folder = rng.choice(["bill", "order", "spam"])
        amount = {"bill": 120, "order": 80, "spam": 5}[folder] * rng.lognormvariate(0, 0.4)
        yield {"amount": amount, "words": rng.gauss(60 if folder == "bill" else 40, 12)}, folder


def passed(chooses):
    """Return accuracy over all rows of a model that learns the chosen ones, and the model."""
    model, right = hw.Classifier(seed=1, effort="fast"), 0
    for x, folder in messages():
        found = model.predict_one(x) == folder
        right += found
        if chooses(model, x):
            model.label_budget.score(found)
            model.learn_one(x, folder)
    return right / ROWS, model


drawn = random.Random(2)
chance, by_chance = passed(lambda model, x: drawn.random() < BUDGET)
asking, model = passed(lambda model, x: model.should_label(x, BUDGET))
print(f"by chance: {by_chance.n_learned:,} labels, {chance:.1%} right")
print(f"asking: {model.n_learned:,} labels, {asking:.1%} right")
found = model.label_budget.estimate()
print(f"estimated from the labels: {found.value:.1%} ± {1.96 * found.error:.1%}")
