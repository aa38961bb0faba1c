"""What polls make of a president's approval, day by day (River's TrumpApproval): the average follows from the days before too."""

import numpy as np
from river import datasets

import headwater as hw

ROWS = list(datasets.TrumpApproval())
X, Y = [x for x, _ in ROWS], np.array([y for _, y in ROWS])

for memory in (0, 32):
    misses = [np.abs(hw.Regressor(seed=seed, memory=memory).learn_many(X, Y) - Y)[100:].mean() for seed in (1, 2, 3)]
    print(f"{'with' if memory else 'without'} memory: off by {np.mean(misses):.3f} points")

model = hw.Regressor(memory=32, seed=1)
model.learn_many(X[:-1], Y[:-1])
print(model.explain_one(X[-1]))
