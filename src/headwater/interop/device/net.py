"""Write a single net as C with its kernels, its memory and its state."""

from __future__ import annotations

import math
import re

import numpy as np

from headwater.errors._version import own_version
from headwater.interop.device.layout import Layout, Member
from headwater.interop.device.sources import SWITCHES, arithmetic, core_folder, definition, fixed, joined, own

__all__ = ["net_declared", "net_model", "net_source"]

_SEEN_BY_KERNELS = (
    *("is_double", "growing", "standard", "targets", "embedding", "bias", "counted", "history", "knots", "ring"),
    *("intervals", "mixture", "answer_inputs", "image", "ids", "experts", "all", "outputs"),
    *("output_capacity", "dense", "stride", "buffers", "length", "widest", "states", "shared_from"),
    *("numbers.units", "numbers.rows", "numbers.stride"),
)
"""Fields of the learner that stay as they are."""
_DOUBLES = ("loss_number", "lr", "l1", "l2", "clip_norm", "clip_value", "constant", "schedule_numbers", "rule_numbers")
_FIRST_OF_LEARNER = "/* A window that slides over an image"
"""What follows the parts in the core's header: from here on it may be written what this model has not."""


def net_declared(layout: Layout) -> list[str]:
    """Return what the header says of the state of a net."""
    return [
        "/* All that learning changes. */",
        "typedef struct model_state {",
        *(f"    {member.type} {member.array}[{member.bytes // member.size}];" for member in layout.members),
        "    int64_t learned, highest_row;",
        "} model_state;",
        "",
        "/* The state as it was exported, in flash, and as it is now, until the next call. */",
        "extern const model_state model_first;",
        "const model_state *model_now(void);",
    ]


# ---- model.c -----------------------------------------------------------------------------------------------------------


def net_model(layout: Layout, state: bytes) -> str:
    """Return the state of a net as constants."""
    rows, at = (
        ['#include "headwater.h"\n', "/* The state as it was exported. */", "const model_state model_first = {"],
        0,
    )
    types = {"double": np.float64, "float": np.float32, "int64_t": np.int64}
    for member in layout.members:
        numbers = np.frombuffer(state, types[member.type], member.count, at)
        rows.append(f"    .{member.array} = {{{_wrapped([_number(x, member.type) for x in numbers.tolist()])}}},")
        at += member.bytes
    learned, highest = np.frombuffer(state, np.int64, 2, at)
    rows += [f"    .learned = {learned},", f"    .highest_row = {highest}", "};"]
    return "\n".join(rows) + "\n"


def _number(x: float, kind: str = "double") -> str:
    """Return a number as C writes it, to the bit."""
    if kind == "int64_t":
        return str(x)
    if not math.isfinite(x):
        return '__builtin_nan("")' if math.isnan(x) else "-__builtin_inf()" if x < 0 else "__builtin_inf()"
    if x == int(x) and abs(x) < 1e6 and (x or math.copysign(1, x) > 0):
        return f"{x:.0f}"
    return float(x).hex() + ("f" if kind == "float" else "")


def _wrapped(words: list[str]) -> str:
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 110:
            lines.append(line)
            line = "       "
        line += f" {word}," if line else f"{word},"
    return "\n".join([*lines, line]).rstrip(",")


# ---- headwater.c -------------------------------------------------------------------------------------------------------


def net_source(layout: Layout) -> str:
    """Return the core as far as one net needs it, and this net."""
    room = layout.room
    root = core_folder()
    core = joined(root)
    names = re.findall(r"\bX\((\w+), (hw_\w+)\)", (root / "parts" / "parts.h").read_text("utf-8"))
    absent = {name: kind for name, kind in names if name != "coverage" or not layout.covered}
    learner = {name: f"({_whole(layout.learner[name])})" for name in _SEEN_BY_KERNELS}
    learner |= {name: f"absent_{name}" for name in absent}
    expert = {name: f"({_value(name, number)})" for name, number in layout.expert.items() if "[" not in name}
    before, after = core.split(_FIRST_OF_LEARNER)
    nothing = [f"static {kind} *const absent_{name} = NULL; /* this model has none */" for name, kind in absent.items()]
    lines = [
        f"/* The core of headwater {own_version()}, as far as one model needs it. See headwater.h. */",
        '#include "headwater.h"',
        SWITCHES,
        "#define HW_WITHOUT_anomaly\n#define HW_WITHOUT_agent",
        before,
        *nothing,
        arithmetic(),
        _chosen(layout),
        definition(root / "parts" / "coverage" / "coverage.c", "HW_COVERAGE_LEVELS") if layout.covered else "",
        _switched(fixed(_FIRST_OF_LEARNER + after, learner, expert)),
        _static(layout, room),
        _switched(fixed(layout.explaining, learner, expert)),
        own("net.c"),
        own("flash.c"),
    ]
    return "\n".join(lines)


def _whole(x: float) -> str:
    return f"{x:.0f}"


def _value(name: str, number: float) -> str:
    return _number(number) if name in _DOUBLES else _whole(number)


def _chosen(layout: Layout) -> str:
    """Return functions that name the kinds of layers and activations of this model, so that no other is compiled."""
    kinds = sorted({int(operation["kind"]) for operation in layout.operations})
    codes = sorted({int(operation["code"]) for operation in layout.operations if operation["kind"] == 2})

    def one_of(name: str, found: list[int]) -> str:
        first, *others = found or [0]
        choice = "".join(f"x == {other} ? {other} : " for other in others) + str(first)
        return f"static inline int {name}(int x) {{ return (void)x, {choice}; }}"

    return "\n".join((one_of("kind_of", kinds), one_of("code_of", codes)))


def _switched(kernels: str) -> str:
    kernels = re.sub(r"\bo->kind\b", "kind_of(o->kind)", kernels)
    return re.sub(r"\bo->code\b", "code_of(o->code)", kernels)


def _static(layout: Layout, room: list[Member]) -> str:
    """Return the model as C holds it: its memory, its layers, and the learner that points at both."""
    operations = [_initial(operation) for operation in layout.operations] or ["{0}"]
    learner = {
        name: layout.learner[name] for name in (*_SEEN_BY_KERNELS, "ops", "slots.count", "rows", "drawn", "fan_in")
    }
    lines = [
        "",
        "/* ---- this model -------------------------------------------------------------------------------------------- */",
        "",
        f"static const int32_t slot_of_input[] = {{{', '.join(map(str, layout.slots)) or 0}}};",
        f"static const int32_t slot_rows[] = {{{', '.join(map(str, layout.slot_rows)) or 0}}};",
        f"static const hw_expert_t experts[] = {{{_initial(layout.expert)}}};",
        f"static const hw_op operations[] = {{{', '.join(operations)}}};",
        "static model_state now; /* all that learning changes */",
        "static struct {         /* nothing in it outlives a call */",
        *(f"    {member.type} {member.array}[{max(member.count, 1)}];" for member in room),
        "} room;",
        *(["static hw_coverage_t coverage = {.numbers = now.coverage};"] if layout.covered else []),
        "static hw_learner self = {",
        *(f"    .{name} = {_whole(number)}," for name, number in learner.items()),
        "    .predicted_count = -1,",
        f"    .pair_capacity = {int(layout.learner['rows']) + 3},",
        "    .expert = (hw_expert_t *)(uintptr_t)experts,",
        "    .op = (hw_op *)(uintptr_t)operations,",
        "    .slots.row = (int32_t *)(uintptr_t)slot_rows,",
        *(f"    .{member.place} = now.{member.array}," for member in layout.members if member.place),
        *(f"    .{member.place} = room.{member.array}," for member in room),
        *(["    .coverage = &coverage,"] if layout.covered else []),
        "};",
    ]
    return "\n".join(lines) + "\n"


def _initial(numbers: dict[str, float]) -> str:
    return "{" + ", ".join(f".{name} = {_value(name.split('[')[0], x)}" for name, x in numbers.items() if x) + "}"
