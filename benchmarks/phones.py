"""Phones that learn on their own, in qemu, and what comes of merging them: WISDM's accelerometers on a Cortex-M4.

    python -m benchmarks.phones    # writes results/phones.json and the tables of the guides

A net of 16 units learns the windows of a sixth of the people on a server and is exported. Four devices learn the first half of those
of another sixth each; their flash comes home, is checked against what Python learns from the same windows, and merged. The merged
model is sent back, learns the second halves, and is merged again. Accuracy is that on the last sixth of the people, whom nobody
learns. wisdm.csv.gz is read from HEADWATER_DATA; ziglang and qemu-user are needed.
"""

from __future__ import annotations

import copy
import csv
import gzip
import json
import math
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.device.boards import BOARDS, size_of

import headwater as hw
from benchmarks.data import data_file
from benchmarks.report import ROOT, write
from headwater.cluster import merge
from headwater.interop.device import columns_of, digest, export_device, take_back

RESULTS = Path(__file__).with_name("results") / "phones.json"
DEVICES = (1, 2, 3, 4)
PARTS = 6
"""Of the people: that of the server is number 0, that of the test the last one."""
BOARD = BOARDS["cortex-m4"]
PAGES = {"docs/how-to/device.md": "en", "docs/zh/how-to/device.md": "zh"}
SAYS = {
    "en": {
        "head": ("who predicts", "windows learned", "accuracy"),
        "server": "the server, before",
        "device": "device {}, brought home",
        "merged": "the four, merged",
        "again": "sent back, learned on, merged again",
        "one": "one model that learned all windows in turn",
        "below": (
            "On a Cortex-M4: {flash:,} bytes of flash, {ram:,} of RAM and {stack:,} of stack, for 43 columns. "
            "Written by `python -m benchmarks.phones`."
        ),
    },
    "zh": {
        "head": ("由谁预测", "学过的样本", "准确率"),
        "server": "服务器，之前",
        "device": "设备 {}，取回之后",
        "merged": "四台合并之后",
        "again": "发回，继续学习，再合并",
        "one": "依次学习全部样本的一个模型",
        "below": (
            "在 Cortex-M4 上，43 列：闪存 {flash:,} 字节，RAM {ram:,} 字节，栈 {stack:,} 字节。"
            "由 `python -m benchmarks.phones` 写出。"
        ),
    },
}


def windows() -> list[tuple[list[dict[str, float]], list[str]]]:
    """Return windows of numbers, and what somebody did, by parts of the people."""
    parts: list[tuple[list[dict[str, float]], list[str]]] = [([], []) for _ in range(PARTS)]
    with gzip.open(data_file("wisdm.csv.gz"), "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            x, y = parts[int(row.pop("user")) % PARTS]
            y.append(row.pop("target"))
            x.append({name: float(cell) for name, cell in row.items() if name != "UNIQUE_ID" and cell != "?"})
    return parts


def accuracy(model: Any, x: list[dict[str, float]], y: list[str]) -> float:
    """Return the share of windows that a model predicts right."""
    return sum(model.predict_one(row) == label for row, label in zip(x, y, strict=True)) / len(x)


def as_bytes(model: Any, columns: list[str], x: list[dict[str, float]], y: list[str]) -> bytes:
    """Return windows as the device reads them."""
    one = struct.Struct(f"<{len(columns) + 1}d")
    return b"".join(
        one.pack(*(row.get(name, math.nan) for name in columns), model.classes.index(label))
        for row, label in zip(x, y, strict=True)
    )


def on_device(model: Any, folder: Path, x: list[dict[str, float]], y: list[str]) -> tuple[Any, dict[str, int]]:
    """Let a device learn windows, and return the learner that comes home, and what it took there."""
    columns, program = columns_of(model), folder / f"{BOARD.name}.elf"
    run = BOARD.run(program, as_bytes(model, columns, x, y))
    back, here = take_back(model, run.flash), copy.deepcopy(model)
    here.learn_many(x, y)
    if not run.digest == digest(back) == digest(here):
        raise SystemExit(f"expected the digest {digest(here):016x}, got {run.digest:016x}")
    return back, {"stack": run.stack}


def sent_out(model: Any, parts: list[tuple[list[dict[str, float]], list[str]]]) -> tuple[list[Any], dict[str, int]]:
    """Export a model to devices, let each learn its windows, and return what comes home, and what it took there."""
    with tempfile.TemporaryDirectory() as name:
        export_device(model, Path(name))
        size = size_of(BOARD.build(Path(name)))
        backs, took = zip(*(on_device(model, Path(name), *part) for part in parts), strict=True)
    return list(backs), {"flash": size.flash, "ram": size.ram, **took[-1]}


def measured() -> dict[str, Any]:
    """Learn on a server, on devices, and on one machine."""
    parts = windows()
    (x, y), test = parts[0], parts[-1]
    model = hw.Classifier(hidden=16, seed=1)
    model.learn_many(x, y)
    found: dict[str, Any] = {"server": [len(x), accuracy(model, *test)], "devices": []}
    one = copy.deepcopy(model)
    for device in DEVICES:
        one.learn_many(*parts[device])
    first = [(x[: len(x) // 2], y[: len(y) // 2]) for x, y in (parts[device] for device in DEVICES)]
    second = [(x[len(x) // 2 :], y[len(y) // 2 :]) for x, y in (parts[device] for device in DEVICES)]
    backs, _ = sent_out(model, first)
    found["devices"] = [[len(x), accuracy(back, *test)] for back, (x, _) in zip(backs, first, strict=True)]
    merged = merge(model, backs)
    again, took = sent_out(merged, second)
    last = merge(merged, again)
    found |= {
        name: [own.n_learned, accuracy(own, *test)] for name, own in (("merged", merged), ("again", last), ("one", one))
    }
    return found | took


def table(found: dict[str, Any], language: str) -> str:
    """Return the table of a guide."""
    says = SAYS[language]
    rows = [(says["server"], *found["server"])]
    rows += [(says["device"].format(i + 1), *device) for i, device in enumerate(found["devices"])]
    rows += [(says[name], *found[name]) for name in ("merged", "again", "one")]
    lines = [f"| {' | '.join(says['head'])} |", "|---|---|---|"]
    lines += [f"| {who} | {count:,} | {share:.1%} |" for who, count, share in rows]
    return "\n".join([*lines, "", says["below"].format(**found)])


def main() -> int:
    """Learn, merge and write."""
    if BOARD.missing:
        raise SystemExit(f"expected a compiler and qemu, got none: {BOARD.missing}")
    found = measured()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for page, language in PAGES.items():
        write(ROOT / page, "phones", table(found, language))
    print(table(found, "en"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
