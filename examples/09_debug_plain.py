"""Step through backpropagation: engine="plain" runs a network in NumPy, where a debugger can follow.

Here every call that one row makes in headwater.plain is written down, in order: forward, loss, backward, update. To walk
through yourself, put `breakpoint()` into any function of src/headwater/plain, or step into `learn_many` from your editor.
At the end stands what backpropagation left in each layer, and how far the core, in C, differs after the same row.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from headwater import nn

PLUMBING = {"_arrays", "_copies", "_moving", "_pairs", "_read", "first"}  # reads and writes a net's own arrays
rng = np.random.default_rng(0)
X = rng.normal(size=(100, 3))
y = X[:, 0] - X[:, 1]
layers = [nn.Dense(4, "tanh"), nn.Dense(1)]
options: dict[str, Any] = {"optimizer": nn.Momentum(0.01), "dtype": "float64", "seed": 1}
net = nn.Network(layers, engine="plain", **options)
net.learn_many(X[:-1], y[:-1])

calls: list[Any] = []


def is_plain(frame):
    """Say whether a frame is a function of headwater.plain at work."""
    name = frame.f_code.co_name
    return "plain" in Path(frame.f_code.co_filename).parts and name not in PLUMBING and name[0] != "<"


def write_down(frame, event, argument):
    """Keep the depth, the name and the file of each function that is entered."""
    if event == "call" and is_plain(frame):
        depth, outer = 0, frame.f_back
        while outer:
            depth, outer = depth + is_plain(outer), outer.f_back
        calls.append((depth, frame.f_code.co_qualname, Path(frame.f_code.co_filename).name))


sys.setprofile(write_down)
net.learn_many(X[-1:], y[-1:])
sys.setprofile(None)

for depth, name, file in calls:
    print(f"{'  ' * depth}{name}  ({file})")
print(f"{len(calls)} calls to predict and learn one row")

for i, layer in enumerate(net.plain.layers):
    if layer.weights_gradient is not None:
        print(f"layer {i}, ∂loss/∂W: {layer.weights_gradient.round(4).tolist()}")

core = nn.Network(layers, **options)
core.learn_many(X, y)
print(f"largest difference to the core: {np.abs(core.forward(X) - net.forward(X)).max():.1e}")
