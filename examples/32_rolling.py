"""What happened in the last hour, as columns: how often a card paid, how much, at how many shops, and how long ago.

A thief pays like others do, only quickly and at several shops. No single payment says so; the card's last hour does. The same learner
is given the rows alone, and with the aggregates of their cards.
"""

import random

import headwater as hw

PAYMENTS = 12_000


def payments():
    """Yield payments in the order of their times, and whether a thief made them."""
    rng, second, thefts = random.Random(1), 0.0, []
    while True:
        second += rng.expovariate(1 / 20)
        while thefts and thefts[0][0] < second:
            at, card = thefts.pop(0)
            yield {"at": at, "card": card, "shop": f"s{rng.randrange(300)}", "amount": rng.lognormvariate(3, 1)}, True
        card = rng.randrange(1_000)
        yield {"at": second, "card": card, "shop": f"s{rng.randrange(300)}", "amount": rng.lognormvariate(3, 1)}, False
        if rng.random() < 0.005:
            thefts = sorted(thefts + [(second + 300 * i, card) for i in range(1, rng.randrange(3, 8))])


def auc(scored):
    """Return the share of pairs of a stolen and another payment that are in the right order."""
    scored, below, right = sorted(scored), 0, 0
    for _, stolen in scored:
        below, right = below + (not stolen), right + below * stolen
    return right / (below * (len(scored) - below))


last_hour = hw.Rolling(key="card", time="at", over=("1h", "24h"), of={"amount": ("sum", "mean"), "shop": "distinct"})
for name, model in (
    ("rows alone", hw.Classifier(seed=1)),
    ("with the last hour", hw.Classifier(seed=1, rolling=last_hour)),
):
    said = []
    for _, (x, stolen) in zip(range(PAYMENTS), payments(), strict=False):
        said.append((model.predict_proba_one(x).get(True, 0.0), stolen))
        model.learn_one(x, stolen)
    print(f"{name}: AUC {auc(said[2_000:]):.3f}")
print(f"what is kept: {model.rolling_counts_['events']:,} payments of {model.rolling_counts_['keys']:,} cards")
