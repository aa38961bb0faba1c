"""What other libraries' inference takes on a Cortex-M4, beside a net that learns too: flash, RAM, instructions a row.

    pip install emlearn==0.23.2 micromlgen==1.1.28 scikit-learn
    pip install --pre tflite-micro==0.dev20261023182759
    python -m benchmarks.device_rivals           # measures, keeps results/device_rivals.json, writes the tables of the guides
    python -m benchmarks.device_rivals report    # the tables alone

Each library writes a model of 8 inputs and 3 classes as C, fitted to the same 1,000 rows. The same program reads the rows, the
same compiler with the same options compiles it, and the same counter counts (``benchmarks.device``). emlearn's net is converted
with float weights, which compute what was fitted. micromlgen's classes have no state, so their functions are compiled as C. Of
TensorFlow Lite Micro no package has sources: its interpreter for a PC says how large the net's file and its memory are there.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tools.device.boards import size_of
from tools.device.system import MACHINES

from benchmarks.device import CLASSES, INPUTS, MOST, PAGES, TAUGHT, a_row, rows
from benchmarks.report import ROOT, write

RESULTS = Path(__file__).with_name("results") / "device_rivals.json"
OURS = Path(__file__).with_name("results") / "device.json"
MACHINE = MACHINES["cortex-m4"]
HEADER = f"""
#include <stdint.h>
#include <stddef.h>
#define MODEL_INPUTS {INPUTS}
#define MODEL_OUTPUTS {CLASSES}
#define MODEL_FLASH_BYTES 8
typedef struct model_flash {{
    int (*read)(void *, uint32_t, void *, uint32_t), (*erase)(void *, uint32_t, uint32_t);
    int (*program)(void *, uint32_t, const void *, uint32_t);
    void *context;
    uint32_t first, second;
    const unsigned char *mapped;
}} model_flash;
static inline int model_begin(void) {{ return 0; }}
static inline int model_load(const model_flash *f) {{ return f == NULL; }}
static inline uint64_t model_digest(void) {{ return 0; }}
int model_learn(const double *x, double y, double weight, float *p);
"""
SHIMS = {
    "headwater.h": HEADER,
    "math.h": """float expf(float x);
float logf(float x);
float fabsf(float x);
static inline float tanhf(float x) { return x; } /* never called: no net here has it */
double exp(double x);
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
""",
    "stdlib.h": "#include <stddef.h>\n",
    "stdio.h": "",
}
CALLS = """
int model_learn(const double *x, double y, double weight, float *p)
{
    float row[MODEL_INPUTS];
    (void)y, (void)weight;
    for (int i = 0; i < MODEL_INPUTS; i++)
        row[i] = (float)x[i];
    p[0] = (float)PREDICT;
    return 0;
}
"""
QUIET = "\n".join(
    f'#pragma GCC diagnostic ignored "-W{name}"'
    for name in ("unused-function", "unused-parameter", "sign-compare", "varargs")
)
WORDS = {
    "en": ("model", "flash", "RAM", "stack", "predict", "learns"),
    "zh": ("模型", "闪存", "RAM", "栈", "预测", "学习"),
}
NAMES = {
    "headwater, 16 units": "headwater，16 个单元",
    "emlearn, 16 units": "emlearn，16 个单元",
    "micromlgen, logistic regression": "micromlgen，逻辑回归",
    "micromlgen, 10 trees": "micromlgen，10 棵树",
}
TFLM = "TensorFlow Lite Micro, 16 units"
SAID_OF_TFLM = {
    "en": "On a PC, where pointers have 64 bits, the net is a file of {model:,} bytes there and takes {arena:,} bytes of memory, "
    "beside the interpreter's code. Written by `python -m benchmarks.device_rivals`.",
    "zh": "在指针为 64 位的 PC 上，这个网络在它那里是一个 {model:,} 字节的文件，占用 {arena:,} 字节内存，解释器的代码不计在内。"
    "由 `python -m benchmarks.device_rivals` 写出。",
}
BELOW = {
    "en": (
        "Bytes and instructions a row on a Cortex-M4 with its unit for floats, 8 inputs and 3 classes. The others predict only: they "
        "know no statistics of their inputs, so rows must come scaled. Written by `python -m benchmarks.device_rivals`."
    ),
    "zh": (
        "单位是字节和每个样本的指令数，在带浮点单元的 Cortex-M4 上，8 个输入，3 类。其余各库只预测：它们不统计输入，样本要事先缩放。"
        "由 `python -m benchmarks.device_rivals` 写出。"
    ),
}


def emlearn_net(x: np.ndarray, y: np.ndarray, folder: Path) -> tuple[str, str, Path]:
    """Return the C of a net that emlearn has converted, how it predicts, and where its headers lie."""
    import emlearn
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((16,), max_iter=500, random_state=1).fit(x, y)
    file = folder / "net.h"
    with chdir(folder):  # it leaves a folder of its own behind
        emlearn.convert(net, method="inline", dtype="float").save(name="net", file=str(file))
    return f'#include "{file}"\n', f"net_predict(row, {INPUTS})", Path(emlearn.__file__).parent


def micromlgen_model(model: Any) -> tuple[str, str, Path]:
    """Return the C inside the class that micromlgen writes, and how it predicts."""
    import micromlgen

    text = micromlgen.port(model)
    methods = re.findall(
        r"^ {20}((?:int|float) (?:predict|dot)\(.*?\) \{\n.*?^ {20}\}\n)", text, re.MULTILINE | re.DOTALL
    )
    body = "static float dot(float *x, ...);\n" + "".join(f"static {method}" for method in methods)
    return f"#include <stdarg.h>\n#include <stdint.h>\n{body}", "predict(row)", Path()


def tflm(folder: Path) -> dict[str, int]:
    """Return bytes of the net as TensorFlow Lite Micro reads it, and of the memory that its interpreter takes for it on a PC."""
    from tflite_micro.python.tflite_micro import runtime
    from tflite_micro.tensorflow.lite.micro.compression import model_editor as editor
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    def tensor(*shape: int, weights: bool = False) -> Any:
        data = np.ones(shape, np.float32) if weights else None
        return editor.Tensor(shape=shape, dtype=schema.TensorType.FLOAT32, data=data)

    def operator(name: str, options: Any, read: list[Any], written: Any) -> Any:
        own = schema.OperatorT()
        own.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        own.builtinOptions = options
        return editor.Operator(opcode=getattr(schema.BuiltinOperator, name), inputs=read, outputs=[written], _fb=own)

    relu, softmax = schema.FullyConnectedOptionsT(), schema.SoftmaxOptionsT()
    relu.fusedActivationFunction, softmax.beta = schema.ActivationFunctionType.RELU, 1.0
    x, h, z, p = (tensor(1, units) for units in (INPUTS, 16, CLASSES, CLASSES))
    own = [tensor(*shape, weights=True) for shape in ((16, INPUTS), (16,), (CLASSES, 16), (CLASSES,))]
    operators = [
        operator("FULLY_CONNECTED", relu, [x, *own[:2]], h),
        operator("FULLY_CONNECTED", schema.FullyConnectedOptionsT(), [h, *own[2:]], z),
        operator("SOFTMAX", softmax, [z], p),
    ]
    graph = editor.Subgraph(tensors=[x, h, z, p, *own], operators=operators, inputs=[x], outputs=[p])
    model = bytes(editor.Model(subgraphs=[graph]).build())
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 16)
    interpreter.set_input(np.ones((1, INPUTS), np.float32), 0)
    interpreter.invoke()
    told = _told(interpreter.print_allocations, folder / "told")
    arena = re.search(r"Arena allocation total (\d+) bytes", told)
    if arena is None:
        raise SystemExit(f"expected the size of an arena, got {told!r}")
    return {"model": len(model), "arena": int(arena[1])}


def _told(action: Any, file: Path) -> str:
    """Return what C code writes to stderr."""
    kept = os.dup(2)
    with file.open("wb") as to:
        os.dup2(to.fileno(), 2)
        action()
        os.dup2(kept, 2)
    os.close(kept)
    return file.read_text("utf-8")


def models(x: np.ndarray, y: np.ndarray, folder: Path) -> dict[str, tuple[str, str, Path]]:
    """Fit the rivals' models."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "emlearn, 16 units": emlearn_net(x, y, folder),
        "micromlgen, logistic regression": micromlgen_model(LogisticRegression().fit(x, y)),
        "micromlgen, 10 trees": micromlgen_model(RandomForestClassifier(10, max_depth=6, random_state=1).fit(x, y)),
    }


def measured(text: str, call: str, headers: Path, folder: Path, data: np.ndarray) -> dict[str, int]:
    """Compile one and return what it takes."""
    folder.mkdir()
    for name, shim in SHIMS.items():
        (folder / name).write_text(shim, "utf-8")
    (folder / "headwater.c").write_text(
        f'#include "headwater.h"\n{QUIET}\n{text}{CALLS.replace("PREDICT", call)}', "utf-8"
    )
    (folder / "model.c").write_text("", "utf-8")
    options = (f"-I{headers}", "-Wno-pedantic")
    size = size_of(MACHINE.board.build(folder, "-DROWS_ALONE", *options))
    return {"flash": size.flash, "ram": size.ram, "predict": a_row(MACHINE, folder, data, *options)}


def table(found: dict[str, Any], language: str) -> str:
    """Return the table of a guide, with our net first."""
    head = [word for word in WORDS[language] if word not in ("stack", "栈")]
    own = json.loads(OURS.read_text("utf-8"))["16 units, 3 classes"]["boards"]["cortex-m4"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, figures in {"headwater, 16 units": own, **found}.items():
        if name == TFLM:
            continue
        cells = [figures["flash"], figures["ram"], figures["predict"]]
        learns = f"{figures['learn']:,}" if "learn" in figures else ""
        shown = NAMES[name] if language == "zh" else name
        lines.append(f"| {shown} | {' | '.join(f'{cell:,}' for cell in cells)} | {learns} |")
    return "\n".join([*lines, "", BELOW[language]])


def main(arguments: list[str]) -> int:
    """Measure and write."""
    if arguments != ["report"]:
        lacking = [name for name in ("emlearn", "micromlgen", "sklearn", "tflite_micro") if not find_spec(name)]
        if lacking or MACHINE.missing:
            raise SystemExit(
                f"expected the rivals, a compiler and qemu, got none: {', '.join(lacking) or MACHINE.missing}"
            )
        x, y = rows(TAUGHT + MOST)
        data = np.column_stack([x, y])[TAUGHT:].astype("<f8")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            made = models(x[:TAUGHT], y[:TAUGHT], folder)
            found: dict[str, Any] = {
                name: measured(*one, folder / str(i), data) for i, (name, one) in enumerate(made.items())
            }
            found[TFLM] = tflm(folder)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    found = json.loads(RESULTS.read_text("utf-8"))
    for page, language in PAGES.items():
        write(ROOT / page, "device-rivals", table(found, language))
        write(ROOT / page, "device-tflm", SAID_OF_TFLM[language].format(**found[TFLM]))
    print(table(found, "en"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
