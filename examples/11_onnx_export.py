"""A model goes to a client that has never heard of headwater: one ONNX file, raw columns in, labels out.

Scaling, categories by name and missing values are inside the graph, so nothing has to be built a second time on the
other side. The snapshot that predicts now is exported; the model goes on learning. Needs: pip install onnxruntime.
"""

import datetime as dt
import random
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

import headwater as hw

random.seed(3)
MORNING = dt.datetime(2026, 3, 2, 6, tzinfo=dt.UTC)


def rides(n):
    """Yield bicycle rides and whether they are late, some values missing."""
    for _ in range(n):
        when = MORNING + dt.timedelta(minutes=random.randrange(16 * 60))
        x = {"km": random.expovariate(1 / 4), "rain": random.choice(["none", "light", "heavy"]), "when": when}
        rush = when.hour in (8, 9, 17, 18)
        late = x["km"] / 4 + {"none": 0, "light": 1, "heavy": 2}[x["rain"]] + 2 * rush > 2.5
        if random.random() < 0.1:
            del x[random.choice(["km", "rain"])]
        yield x, "late" if late else "on time"


model = hw.Classifier(seed=1)
for x, y in rides(5_000):
    model.learn_one(x, y)

path = Path(tempfile.mkdtemp()) / "rides.onnx"
model.export_onnx(path)
options = onnxruntime.SessionOptions()
options.log_severity_level = 3  # onnxruntime would warn that the input with the time zone may be left out
client = onnxruntime.InferenceSession(path, options)
print("inputs:", *(entry.name for entry in client.get_inputs()))

asked = [x for x, _ in rides(500)]
raw = {
    "km": np.array([[x.get("km", np.nan)] for x in asked]),
    "rain": np.array([[x.get("rain", "")] for x in asked], object),
    "when": np.array([[x["when"].timestamp()] for x in asked]),
}
label, probabilities = client.run(None, raw)
print("same labels:", sum(label == model.predict_many(asked)), "of", len(asked))
print("largest difference of a probability:", f"{np.abs(probabilities - model.predict_proba_many(asked)).max():.1e}")
