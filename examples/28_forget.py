"""A customer asks to be forgotten: the model is as if it had never seen her, bit for bit, and so is a restored backup."""

import os
import shutil
import tempfile
from pathlib import Path

import headwater as hw
from headwater.store.learner_file import fingerprint

folder = Path(tempfile.mkdtemp())
os.environ["HEADWATER_FORGET_KEY"] = str(folder / "elsewhere.key")  # the key of the forget list, kept apart from it


def order(i):
    mail = "jane@example.org" if i in (700, 1_900) else f"customer{i % 300}@example.org"
    return {"mail": mail, "amount": float(i * 37 % 101), "hour": i % 24}, "late" if i * 37 % 101 > 60 else "on time"


X, y = zip(*[order(i) for i in range(3_000)], strict=True)
with hw.open(folder / "orders.db", hw.Classifier(seed=1)) as model:
    model.learn_many(X[:2_000], y[:2_000])
    model.backup(folder / "backup.db")
    model.learn_many(X[2_000:], y[2_000:])
    plan = model.forget(where={"mail": "jane@example.org"}, dry_run=True)
    print(f"beforehand: {plan.rows} rows found, {plan.replay:,} events to learn again")
    model.forget(where={"mail": "jane@example.org"}, reason="request 17")
    forgotten = fingerprint(model.learner)

never = hw.Classifier(seed=1)
never.learn_many(*zip(*[order(i) for i in range(3_000) if i not in (700, 1_900)], strict=True))
print(f"equal to a model that never saw her: {forgotten == fingerprint(never)}")

(folder / "orders.db-mark").unlink()
shutil.copy(folder / "backup.db", folder / "orders.db")  # the disk failed: back to the backup from before the request
before = (folder / "orders.db").read_bytes().count(b"jane@example.org")
with hw.open(folder / "orders.db") as model:
    print(f"the backup forgets when it is opened: {model.forgotten()[0].rows} rows")
after = (folder / "orders.db").read_bytes().count(b"jane@example.org")
print(f"her address in the file: {before} times before, {after} after")
