"""TypeScript's types of what each kind is asked, says and learns over HTTP, written from its fields into ``js/declare/kinds.d.mts``.

The bodies of ``POST /models/{model}/ask`` and ``/teach``, and their replies, and what ``openKind`` gives. After a change in a
kind's declaration:

    python -m tools.build.written.types
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tools.build.core import ROOT

TYPES = ROOT / "js" / "declare" / "kinds.d.mts"
HEAD = """// Written by tools/build/written/types.py from the declarations in src/headwater/kinds. After a change there:
//   python -m tools.build.written.types
// What a model of each kind is asked, says and learns over HTTP: POST /models/{model}/ask and /teach.

export type Label = string | number | boolean;
/** What a sample may hold: text, numbers, times as text, lists and objects; null is missing. */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
export type Row = { [name: string]: Value };

interface Asked {
  /** What to say something of. */
  rows?: Row[] | null;
  /** Whether each row gets an id, under which its label can be taught later. */
  keep?: boolean;
}
interface Taught<Answer> {
  rows?: Row[] | null;
  labels?: (Answer | null)[] | null;
  weights?: (number | null)[] | null;
  ids?: (string | null)[] | null;
  /** Ids of questions whose labels come now. */
  asked?: string[] | null;
}
interface Reply<Said> {
  /** The model's number of the last event that it had learned. */
  seq: number;
  rows: ({ id?: string } & Said)[];
}
"""
OPENED = """/** A saved model of any kind where Python is not: what openKind of kinds.mjs gives. A sample is an object or a Map. */
export interface Opened {
  readonly kind: string;
  readonly nLearned: number;
  readonly columns: { name: string; kind: string; mean: number | null; categories: string[] }[];
  readonly notes: { [name: string]: unknown };
  readonly rejected: { [reason: string]: number };
  digest(): bigint;
  save(): Uint8Array;
  free(): void;
}
export type Sample = { [name: string]: unknown } | Map<string, unknown>;
/** A classifier with a memory. Costs of mistakes, by true class named as a text, decide as in Python. */
export interface OpenedClassifier extends Opened {
  readonly classes: Label[];
  predictOne(x: Sample, options?: { costs?: { [label: string]: number | { [label: string]: number } } }): Label | null;
  predictProbaOne(x: Sample): Map<Label, number>;
  learnOne(x: Sample, y: Label, w?: number): void;
}
export interface OpenedForecaster extends Opened {
  readonly horizon: number;
  learnOne(y: number | null, x?: Sample): void;
  forecast(horizon?: number, xs?: Sample[]): number[];
  forecastInterval(horizon?: number, xs?: Sample[], coverage?: number): [number, number][];
  lastValues(): number[];
}
export interface OpenedAnomaly extends Opened {
  scoreOne(x: Sample): number;
  isAnomalyOne(x: Sample, rate?: number): boolean;
  explainOne(x: Sample): { score: number; contributions: Map<string, number> };
  learnOne(x: Sample, w?: number): void;
}
export interface OpenedBandit extends Opened {
  readonly actions: Label[];
  readonly withFeatures: boolean;
  expectedRewards(x: Sample, actions?: Label[] | Map<Label, Row>): Map<Label, number>;
  probabilities(x: Sample, actions?: Label[] | Map<Label, Row>): Map<Label, number>;
  act(x: Sample, actions?: Label[] | Map<Label, Row>): [Label, number];
  predictOne(x: Sample, actions?: Label[] | Map<Label, Row>): Label | null;
  learn(x: Sample, action: Label, reward: number, p?: number, features?: Row | null): void;
}
export interface OpenedAgent extends Opened {
  readonly actions: Label[];
  readonly ranges: [number, number][];
  act(state: Sample, explore?: boolean): Label | number[];
  says(state: Sample): { value: number; actions: Map<Label, number>; rest: number[] };
  learn(state: Sample, action: Label | number[], reward: number, next: Sample | null, terminated?: boolean, truncated?: boolean): void;
}
export interface OpenedMultiOutput extends Opened {
  readonly outputs: Label[];
  classesOf(output: Label): Label[] | null;
  predictOne(x: Sample): Map<Label, Label>;
  said(x: Sample): Map<Label, { y: Label; classes: Map<Label, number> | null }>;
  learnOne(x: Sample, answers: Map<Label, Label> | { [output: string]: Label }): Map<Label, Label>;
}
/** Open a saved model of any kind: bytes, an address or a response, packed by gzip or not. */
export function openKind<Model extends Opened = Opened>(
  source: unknown,
  options?: { core?: unknown; at?: string },
): Promise<Model>;
"""
"""What ``js/learners/kinds`` gives, in the words of each kind."""
SAID = {
    "number": "number",
    "whole": "number",
    "label": "Label",
    "boolean": "boolean",
    "text": "string",
    "row": "Row",
    "list": "Value[]",
    "names": "number | string[]",
    "offer": "Value[] | { [action: string]: Row }",
    "map": "{ [name: string]: Value }",
    "any": "Value",
}
"""A field's type in TypeScript."""


def write(path: Path = TYPES) -> Path:
    """Write the types, if they are not as they should be already."""
    text = module()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def module() -> str:
    """Return the text of the types."""
    from headwater.kinds import KINDS

    named = "".join(f"  {json.dumps(kind.task)}: {kind.name};\n" for kind in KINDS)
    by_task = f"/** Each kind by its task, as `GET /models` names it. */\nexport interface Kinds {{\n{named}}}\n"
    return "\n".join([HEAD, *("\n".join(_kind(kind)) for kind in KINDS), by_task, OPENED])


def _kind(kind: Any) -> Iterator[str]:
    name = kind.name
    fields = kind.answer.fields
    label = SAID[fields[0].type] if len(fields) == 1 else f"{name}Label"
    yield f"// ---- {name}: {kind.one} {'-' * (100 - len(name + kind.one))}"
    yield ""
    yield f"export interface {name}Question extends Asked {{"
    yield from _members(kind.question.fields, given=True)
    yield "}"
    yield f"export interface {name}Response {{"
    yield from _members(kind.response, given=False)
    yield "}"
    if len(fields) > 1:
        yield f"export interface {name}Label {{"
        yield from _members(fields, given=True)
        yield "}"
    yield f"export interface {name}Explained {{"
    yield from _members(kind.explained, given=True)
    yield "}"
    yield f"/** {_sentence(kind.one)} of task {json.dumps(kind.task)}. */"
    yield f"export interface {name} {{"
    yield f"  ask: {name}Question;"
    yield f"  said: Reply<{name}Response>;"
    yield f"  teach: Taught<{label}>;"
    yield f"  explain: {name}Explained;"
    yield "}"
    yield ""


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _members(fields: Iterable[Any], *, given: bool) -> Iterator[str]:
    """Yield a line for each field; what is said may be null, and what is given left out where there is a default."""
    for field in fields:
        doc = re.sub(r"\*/", "* /", field.doc) + (f" Unit: {field.unit}." if field.unit else "")
        optional = given and not field.required
        default = f" By default {json.dumps(field.default)}." if optional and field.default is not None else ""
        yield f"  /** {doc}{_range(field)}{default} */"
        yield f"  {_name(field.name)}{'?' if optional else ''}: {SAID[field.type]}{' | null' if optional or not given else ''};"


def _name(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _range(field: Any) -> str:
    if field.least is not None and field.most is not None:
        return f" From {field.least:,} to {field.most:,}."
    return f" At least {field.least:,}." if field.least is not None else ""


if __name__ == "__main__":
    print(write())
