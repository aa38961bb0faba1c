"""Step through the kernels: HEADWATER_JIT=0 runs the same functions as plain Python, where a debugger can follow.

Here every call that one row makes in the kernels is written down, in order: forward, loss, backward, update. To
walk through yourself, put `breakpoint()` into any function of src/headwater/kernels, or step into `learn_one` from
your editor.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ["HEADWATER_JIT"] = "0"  # before headwater is imported

import headwater as hw
from headwater import nn

PLUMBING = {"call", "ints", "nums", "number", "reals", "strip", "view", "compiling"}  # how kernels get at their arrays
model = hw.Classifier(hidden=(3,), activation="tanh", optimizer=nn.Momentum(0.1), seed=1)
for i in range(10):
    model.learn_one({"size": float(i % 5), "colour": "red" if i % 2 else "blue"}, "stop" if i % 2 else "go")

calls: list[Any] = []


def in_kernels(frame):
    """Say whether a frame is a kernel at work."""
    return Path(frame.f_code.co_filename).parent.name == "kernels" and frame.f_code.co_name not in PLUMBING


def write_down(frame, event, argument):
    """Keep the depth, the name and the file of each kernel that is entered."""
    if event == "call" and in_kernels(frame):
        depth, outer = 0, frame.f_back
        while outer:
            depth, outer = depth + in_kernels(outer), outer.f_back
        calls.append((depth, frame.f_code.co_name, Path(frame.f_code.co_filename).name))


sys.setprofile(write_down)
model.learn_many([{"size": 3.0, "colour": "red"}], ["stop"])
sys.setprofile(None)

for depth, name, file in calls:
    print(f"{'  ' * depth}{name}  ({file})")
print(f"{len(calls)} calls in the kernels to predict and learn one row")
