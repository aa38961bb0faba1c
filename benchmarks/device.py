"""What exported models take on small processors, in qemu: flash, RAM, stack and instructions a row.

    python -m benchmarks.device             # measures all, keeps results/device.json, writes the tables of the guides
    python -m benchmarks.device "16 units, Adam"    # measures this model alone
    python -m benchmarks.device report      # the tables alone

Models have 8 inputs and 3 classes; forecasters a series alone. Flash is code, constants and the state as it was exported,
without the two areas for saves; RAM is all variables, without the stack. Instructions are counted by a plugin of qemu on whole
machines, over 50 rows behind the 1,000 that the model had learned; qemu knows no cycles. ziglang, a C compiler, qemu-user,
qemu-system-arm and qemu-system-riscv are needed.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tools.device.boards import size_of
from tools.device.system import MACHINES, Machine

import headwater as hw
from benchmarks.report import ROOT, write
from headwater.interop.device import columns_of, digest, export_device

RESULTS = Path(__file__).with_name("results") / "device.json"
INPUTS, CLASSES, TAUGHT = 8, 3, 1000
FEW, MOST = 1, 51
"""Rows between which instructions are counted."""
MODELS: dict[str, Any] = {
    "linear, 3 classes": lambda: hw.Classifier(layers=[], seed=1),
    "8 units, 3 classes": lambda: hw.Classifier(hidden=8, seed=1),
    "16 units, 3 classes": lambda: hw.Classifier(hidden=16, seed=1),
    "32 units, 3 classes": lambda: hw.Classifier(hidden=32, seed=1),
    "16 units, Adam": lambda: hw.Classifier(hidden=16, optimizer="adam", seed=1),
    "16 units, a number": lambda: hw.Regressor(hidden=16, seed=1),
    "anomalies, 64 rows": lambda: hw.Anomaly(neighbours=64, seed=1),
    "forecaster, no season": lambda: hw.Forecaster(horizon=1, season=1, seed=1),
    "forecaster, season 24": lambda: hw.Forecaster(horizon=4, season=24, seed=1),
    "default pool, 3 classes": lambda: hw.Classifier(seed=1),
}
EXPLAINED = ("linear, 3 classes", "16 units, 3 classes", "16 units, a number", "anomalies, 64 rows")
"""Models whose export with explanations is measured too."""
MEASURED = ("cortex-m4", "cortex-m3", "cortex-m0plus", "riscv32")
DOUBLE = re.compile(
    r"f64|__aeabi_d|f2d|_ul?2d|_l2d|_i2d|wideMultiply|ll[sl]|lmul|device_sqrt$|hw_(?:exp|log|log1p|expm1|tanh)64"
)
"""Functions that compute in double precision, by zig's names for them and our own."""
PAGES = {"docs/how-to/device.md": "en", "docs/zh/how-to/device.md": "zh"}
HEADS = {
    "en": ("model", "flash", "RAM", "stack", "predict", "predict and learn", "in double", "M3", "M0+", "RISC-V 32"),
    "zh": ("模型", "闪存", "RAM", "栈", "预测", "预测并学习", "双精度", "M3", "M0+", "RISC-V 32"),
}
CHINESE = {
    "linear, 3 classes": "线性，3 类",
    "8 units, 3 classes": "8 个单元，3 类",
    "16 units, 3 classes": "16 个单元，3 类",
    "32 units, 3 classes": "32 个单元，3 类",
    "16 units, Adam": "16 个单元，Adam",
    "16 units, a number": "16 个单元，数值",
    "anomalies, 64 rows": "异常，64 行",
    "forecaster, no season": "预测时间序列，无季节",
    "forecaster, season 24": "预测时间序列，季节 24",
    "default pool, 3 classes": "默认专家池，3 类",
}
EXPLAINING = {
    "en": ("with --explain", "flash", "RAM", "explain", "at least", "at most"),
    "zh": ("带 --explain", "闪存", "RAM", "解释", "最少", "最多"),
}
BELOW_EXPLAINED = {
    "en": (
        "Bytes more, and instructions a row on a Cortex-M4 with its unit for floats: on average, of the cheapest and the dearest of "
        "50 rows. Written by `python -m benchmarks.device`."
    ),
    "zh": (
        "单位是多出的字节数，以及在带浮点单元的 Cortex-M4 上每个样本的指令数：50 个样本的平均值、最小值和最大值。"
        "由 `python -m benchmarks.device` 写出。"
    ),
}
BELOW = {
    "en": (
        "Bytes, and instructions a row: predict, and predict and learn, on a Cortex-M4 with its unit for floats; predict and "
        "learn on others. Written by `python -m benchmarks.device`."
    ),
    "zh": (
        "单位是字节和每个样本的指令数：预测、预测并学习是在带浮点单元的 Cortex-M4 上；其余各列是在别的处理器上预测并学习。"
        "由 `python -m benchmarks.device` 写出。"
    ),
}


def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of numbers and their classes."""
    drawn = np.random.default_rng(0)
    x = drawn.normal(size=(count, INPUTS)) * 3 + 1
    return x, np.argmax(x @ drawn.normal(size=(INPUTS, CLASSES)) + 0.5 * x[:, :CLASSES] ** 2, 1)


def measured(name: str, folder: Path) -> dict[str, Any]:
    """Export a model, run it on every processor, and return what it takes there."""
    model = MODELS[name]()
    x, y = rows(TAUGHT + MOST)
    learn(model, x[:TAUGHT], y[:TAUGHT])
    sizes = export_device(model, folder)
    data = np.column_stack([x[:, : len(columns_of(model))], numbers(model, x, y)])[TAUGHT:]
    explaining = explained(model, folder / "explained", data) if name in EXPLAINED else {}
    learn(model, x[TAUGHT:], y[TAUGHT:])
    boards = {name: on_machine(machine, folder, data, digest(model)) for name, machine in MACHINES.items()}
    return {"sizes": sizes, "boards": boards} | explaining


def explained(model: Any, folder: Path, data: np.ndarray) -> dict[str, Any]:
    """Return what explanations take on the first processor, beside the same program without them."""
    machine = MACHINES[MEASURED[0]]
    export_device(model, folder, explain=True)
    size = size_of(machine.board.build(folder, "-DROWS_ALONE", "-DEXPLAINS"))
    counts = []
    for option in ("-DEXPLAINS", "-UEXPLAINS"):
        program = machine.build(folder, "-DROWS_ALONE", option)
        counts.append([machine.instructions(program, folder, data[:count].tobytes()) for count in range(MOST + 1)])
    own = np.diff(np.subtract(*counts))[FEW:]
    found = {"flash": size.flash, "ram": size.ram, "mean": own.mean(), "least": own.min(), "most": own.max()}
    return {"explained": {name: round(float(figure)) for name, figure in found.items()}}


def learn(model: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Teach a model rows, in the words of its kind."""
    named = [{f"x{j}": value for j, value in enumerate(row)} for row in x.tolist()]
    if isinstance(model, hw.Forecaster):
        model.learn_many(x[:, 0])
    elif isinstance(model, hw.Anomaly):
        model.learn_many(named)
    else:
        model.learn_many(named, y.astype(float) if isinstance(model, hw.Regressor) else y.tolist())


def numbers(model: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the labels as a device reads them."""
    if isinstance(model, hw.Classifier):
        return np.array([model.classes.index(label) for label in y.tolist()])
    return x[:, 0] if isinstance(model, hw.Forecaster) else y


def on_machine(machine: Machine, folder: Path, data: np.ndarray, wanted: int) -> dict[str, Any]:
    """Return what a program takes on a processor, once it has come to the digest of this machine."""
    board = machine.board
    program = board.build(folder)
    run, size = board.run(program, data.tobytes()), size_of(program)
    if run.digest != wanted:
        raise SystemExit(f"{board.name}: expected the digest {wanted:016x}, got {run.digest:016x}")
    found: dict[str, Any] = {
        "flash": size.flash,
        "ram": size.ram,
        "stack": run.stack,
        "learn": a_row(machine, folder, data),
    }
    if board.name == MEASURED[0]:
        found["alone"] = size_of(board.build(folder, "-DROWS_ALONE")).flash
        found["predict"] = a_row(machine, folder, data, "-DPREDICTS") - found["learn"]
        found["double"] = in_double(machine, folder, data)
    return found


def in_double(machine: Machine, folder: Path, data: np.ndarray) -> float:
    """Return the share of a row's instructions that double precision takes, which the processor has not."""
    program = machine.build(folder, "-DROWS_ALONE", "-g")
    few, more = (machine.executed(program, folder, data[:count].tobytes()) for count in (FEW, MOST))
    more.subtract(few)
    return sum(count for name, count in more.items() if DOUBLE.search(name)) / more.total()


def a_row(machine: Machine, folder: Path, data: np.ndarray, *options: str) -> int:
    """Count the instructions of a row."""
    program = machine.build(folder, "-DROWS_ALONE", *options)
    few, more = (machine.instructions(program, folder, data[:count].tobytes()) for count in (FEW, MOST))
    return round((more - few) / (MOST - FEW))


def table(found: dict[str, Any], language: str) -> str:
    """Return the table of a guide."""
    head = HEADS[language]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, figures in found.items():
        boards = figures["boards"]
        m4 = boards["cortex-m4"]
        cells = [f"{m4[figure]:,}" for figure in ("flash", "ram", "stack", "predict", "learn")]
        cells += [f"{m4['double']:.0%}", *(f"{boards[board]['learn']:,}" for board in MEASURED[1:])]
        shown = CHINESE[name] if language == "zh" else name
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", BELOW[language]])


def explained_table(found: dict[str, Any], language: str) -> str:
    """Return the table of what explanations take."""
    head = EXPLAINING[language]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name in (name for name in EXPLAINED if name in found):
        own, without = found[name]["explained"], found[name]["boards"][MEASURED[0]]
        cells = [own["flash"] - without["alone"], own["ram"] - without["ram"], own["mean"], own["least"], own["most"]]
        lines.append(f"| {CHINESE[name] if language == 'zh' else name} | {' | '.join(f'{cell:,}' for cell in cells)} |")
    return "\n".join([*lines, "", BELOW_EXPLAINED[language]])


def main(arguments: list[str]) -> int:
    """Measure and write."""
    lacking = [machine.missing for machine in MACHINES.values() if machine.missing]
    before = json.loads(RESULTS.read_text("utf-8")) if arguments else {}
    if arguments != ["report"]:
        if lacking:
            raise SystemExit(f"expected a compiler and qemu, got none: {lacking[0]}")
        with tempfile.TemporaryDirectory() as folder:
            wanted = arguments or list(MODELS)
            found = before | {
                name: measured(name, Path(folder, str(i))) for i, name in enumerate(MODELS) if name in wanted
            }
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    kept = json.loads(RESULTS.read_text("utf-8"))
    found = {name: kept[name] for name in MODELS if name in kept}
    for page, language in PAGES.items():
        write(ROOT / page, "device", table(found, language))
        write(ROOT / page, "device-explained", explained_table(found, language))
    print(table(found, "en"), explained_table(found, "en"), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
