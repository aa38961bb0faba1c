"""Forecasts of River's water flow, a day ahead: each is made from what is known then, and scored once its time has come."""

import numpy as np
from river import datasets

import headwater as hw

HORIZON = 24
ROWS = [(y, {"time": x["Time"].replace(tzinfo=None)}) for x, y in datasets.WaterFlow()]
Y = np.array([y for y, _ in ROWS])

model = hw.Forecaster(horizon=HORIZON, season=24)
misses, held, season = [], [], []
for t, (y, x) in enumerate(ROWS[:-HORIZON]):
    model.learn_one(y, x)
    if t < 400:
        continue
    xs, came = [row for _, row in ROWS[t + 1 : t + 1 + HORIZON]], Y[t + 1 : t + 1 + HORIZON]
    ends = np.array(model.forecast_interval(xs=xs, coverage=0.9))
    misses.append(np.abs(np.array(model.forecast(xs=xs)) - came))
    held.append((ends[:, 0] <= came) & (came <= ends[:, 1]))
    season.append(np.abs(Y[t - 23 : t + 1] - came))

for h in (1, 6, 24):
    own, naive, share = (np.mean(a, axis=0)[h - 1] for a in (misses, season, held))
    print(f"{h:2} h ahead: off by {own:.2f} l/s, the day before by {naive:.2f}; a 90 % interval held {share:.0%}")
