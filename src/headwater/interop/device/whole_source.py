"""Write a learner in an arena as C with the core, without parts that it has not."""

from __future__ import annotations

import numpy as np

from headwater.errors._version import own_version
from headwater.interop.device.sources import SWITCHES, amalgamated, arithmetic, core_folder, own, without
from headwater.interop.device.whole import Whole

__all__ = ["whole_declared", "whole_model", "whole_source"]

_WORDS = 5
"""Words of a state in a line."""


def whole_declared(form: Whole) -> list[str]:
    """Return what the header says of a learner in an arena."""
    ahead = [
        "",
        f"#define MODEL_HORIZON {form.horizon} /* times ahead */",
        "/* What the series will be `horizon` times from now, of which x are the columns. */",
        "int model_forecast(const double *x, int horizon, double *y);",
    ]
    return [
        "/* The learner grows inside its arena. These bytes were enough for it and thousands of rows that were drawn as its own",
        " * are spread, with labels by chance; where they are not, model_learn says MODEL_NO_MEMORY and nothing has changed. */",
        "#ifndef MODEL_ARENA_BYTES",
        f"#define MODEL_ARENA_BYTES {form.arena}",
        "#endif",
        *(ahead if form.horizon else []),
    ]


def whole_model(form: Whole, state: bytes) -> str:
    """Return a state as constants."""
    del form  # all of it stands in the state
    words = [f"UINT64_C(0x{word:X})" for word in np.frombuffer(state, "<u8").tolist()]
    lines = [f"    {', '.join(words[i : i + _WORDS])}," for i in range(0, len(words), _WORDS)]
    head = ['#include "headwater.h"', "", "/* The state as it was exported. */", "extern const uint64_t model_first[];"]
    return "\n".join([*head, f"const uint64_t model_first[{len(words)}] = {{", *lines, "};", ""])


def whole_source(form: Whole) -> str:
    """Return the core as far as a learner needs it, and this learner."""
    slots = ", ".join(map(str, form.slots)) or "0"
    lines = [
        f"/* The core of headwater {own_version()}, without parts that one model has not. See headwater.h. */",
        '#include "headwater.h"',
        SWITCHES,
        "#define HW_PAGE",
        "#define HW_ONE_THREAD",
        "#define HW_LINE 16",
        *(f"#define HW_WITHOUT_{name}" for name in without(core_folder(), form.parts)),
        arithmetic(),
        f"static const int32_t slot_of_input[] = {{{slots}}};",
        amalgamated(core_folder(), form.parts, form.horizon, not form.scores, form.explaining),
        "",
        "extern const uint64_t model_first[];",
        own("whole.c"),
        own("flash.c"),
    ]
    return "\n".join(lines)
