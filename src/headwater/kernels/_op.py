"""The rows of the three tables that everything else is derived from: operations, losses and update rules.

A row names the thing, states its formula and its source. From it come the layer and its string name, the name in saved
files, the choices of the command line, the tables of the documentation and the lists that drive the tests.
"""

from __future__ import annotations

from dataclasses import dataclass

OPS: dict[str, Op] = {}
LOSSES: dict[str, LossRow] = {}
RULES: dict[str, RuleRow] = {}

# Places of the context: the arrays of a net, and those of the block at hand.
PROG, OPC, EX, XC, RUN, HEAD, P, S, BUF, A, D, IW, VW, IOTA, STATS, TOUCHED, YS, RNG, SCRATCH, UNDO, MO, G = range(22)
"""program (ops·10) · constants of the operations · experts (·11) · their constants (·14) · their running numbers (·8) ·
header · parameters · state of the rules (states·capacity) · buffers · activations and deltas, LENGTH a sample · lists of
non-zero inputs and their values, laid out like A · 0, 1, 2, … · statistics of the input slots (·4) · how often each row
was learned · statistics of the targets (·4) · state of the random numbers · scratch · scratch to undo a step ·
moments of a batch · gradient."""
SLOTS, ENDS, X, ASKED_SLOTS, ASKED_ENDS, ASKED_X, Y, W, OUT = range(22, 31)
"""entries of the block's samples: slot, where each sample's end, value · the same of the samples to predict · answers ·
weights · predictions."""
STEP, PENALISED, ACTIVATE, DIFFERENTIATE, NORMALISE, BACKWARD_NORM = range(31, 37)
FORWARD_OP, BACKWARD_OP, READ_ROWS, READ_SAMPLE, COPY, JUDGE, ASK = range(37, 44)
"""The routines."""
KNOTS, RESERVOIR, RING_ROWS, RING_V, RING_N, RING_Y, COSTS, OPINE, BACKWARD = range(44, 53)
"""knots of the hats (slots·16) · sample of each slot's past (slots·256) · the last samples for replay: rows, values, how many,
answers · losses of the experts on the sample at hand · two more routines."""
RING_W, SCORES, PAST_ANSWERS, GIVEN_KEYS, GIVEN, LEARN_ROW = range(53, 59)
"""weights of the last samples · how far the last answers lay from what was predicted: how many, then a ring of them · what
the label history remembers · opinions given out that wait for their answers: how many ever, the oldest, a ring of keys, the
rows that these are made of; and they themselves · one more routine."""
CONTEXT_WIDTH = 59

# Columns of the program table, one row an operation. Offsets count numbers, not bytes.
OP, N, M, SRC, DST, PAR, BUFFER, BIAS, SPARSE, EXPERT, GROWS = range(11)
"""opcode · inputs · outputs · offset of the input in A · of the output in A · of the parameters in P (−1: none) ·
of the buffers (−1: none) · has a bias · a zero input has a zero derivative · expert that owns the operation ·
may get more outputs, so each is summed in the order of the inputs even while there is one."""
PROGRAM_WIDTH = 11

# Columns of the expert table: an expert is a stretch of the program with its own loss and rule.
FIRST, LAST, LOSS, LOGITS, OUTPUTS, RULE, SCHEDULE, COLUMN, WIDTH, TWO_PASS, EXACT_LAZY, REPLAYS = range(12)
"""first operation · one past the last · loss · offset of the logits in A · how many · rule · schedule · first column in
a row of the table · columns in a row of the table · dropout or batch norm: predict and learn need a pass each · a zero
gradient changes nothing · old samples learned again after each row."""
EXPERT_WIDTH = 12

# Columns of the expert's constants.
LR, HYPER, L1, L2, CLIP_NORM, CLIP_VALUE, SCHED, LOSS_A = 0, 1, 5, 6, 7, 8, 9, 12
"""step size · four numbers of the rule · penalties · clipping · three numbers of the schedule · one of the loss."""
CONSTANT_WIDTH = 14

# Columns of the expert's running numbers (they are saved: learning goes on from them).
(
    T,
    SCALE,
    FADING,
    DIVERGED,
    OVERFLOW,
    PRODUCT,
    INFINITE,
    HUGE_VALUES,
    FAR,
    FAR_TARGET,
    WEIGHT,
    SPREAD,
    SICK,
    MIXED,
    RENEWED,
) = range(15)
"""steps taken · factor on the step after a divergence · fading mean loss over about 100 rows · steps undone · rows whose
logits were not finite · the rule's running product (NAdam) · infinite and huge inputs met while learning, and inputs and
answers so far off that they were read as less · weight in the mixture · fading mean error of the mixture (of the first
expert, for all) · how long it has known less than nothing · rows that moved the mixture (of the first expert, for all) ·
how often it began anew. Two rows stand behind those of the experts: of the scale expert, and of the label history."""
RUNNING_WIDTH = 15

# Header: what the whole machine shares.
(
    TABLE,
    STRIDE,
    CAPACITY,
    LENGTH,
    GROWING,
    STANDARD,
    TARGETS,
    PAIRS,
    DENSE_ROWS,
    ANSWERS,
    STATES,
    EXPERTS,
    HATS,
    RING,
    RING_WIDTH,
    COUNTED,
    MIXTURE,
    SPREADS,
    HISTORY,
    TOLD,
    UNHEARD,
    TOP,
) = range(22)
"""offset of the table in P · numbers in a row · length of P · numbers in A for a sample · a row takes part from its second
sight · inputs are standardised · targets are standardised · where in A's layout the list of a sample's pairs begins ·
1 if every sample of the block has the same slots, 2 if these are rows too, 3 if besides its numbers are the net's own ·
numbers in an answer · numbers of state per parameter · experts · hats a slot · samples kept for replay · pairs kept of each
· some rule needs the rows' counts · how the experts are mixed (``mix``) · how wide an answer spreads (``spread``) · the
label history takes part · place of the opinions that were given out for the sample at hand, 1 or more (0: none, those at
hand count) · the block's answers were unheard of when it was asked · highest row that was ever learned."""
HEADER_WIDTH = 22

# Columns of the statistics of an input slot, or of a target.
MEAN, VAR, COUNT, ROW, HAT, KNOT_COUNT = range(6)
"""… · row that the value scales · first row of its hats · how many knots they have now."""
STATISTIC_WIDTH = 6


@dataclass(frozen=True, slots=True)
class Op:
    """One operation on one sample: what the machine switches on."""

    code: int
    name: str
    kind: str
    formula: str
    source: str
    default: float = 0.0
    """The operation's own constant (slope, rate, momentum), where it has one."""


@dataclass(frozen=True, slots=True)
class LossRow:
    """A loss: value, gradient and link in one row."""

    code: int
    name: str
    link: str
    formula: str
    source: str
    default: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleRow:
    """An update rule: how many numbers it keeps per parameter, and what a row that no sample touches gets."""

    code: int
    name: str
    states: int
    formula: str
    lazy: str
    source: str
    exact_lazy: bool
    """Whether a zero gradient changes nothing, so that skipping it is exact."""


def op(name: str, kind: str, formula: str, source: str, default: float = 0.0) -> Op:
    """Add an operation to the table and return its row."""
    OPS[name] = Op(len(OPS), name, kind, formula, source, default)
    return OPS[name]


def loss(name: str, link: str, formula: str, source: str, default: float = 0.0) -> LossRow:
    """Add a loss to the table and return its row."""
    LOSSES[name] = LossRow(len(LOSSES), name, link, formula, source, default)
    return LOSSES[name]


def rule(name: str, states: int, formula: str, lazy: str, source: str, *, exact_lazy: bool = False) -> RuleRow:
    """Add an update rule to the table and return its row."""
    RULES[name] = RuleRow(len(RULES), name, states, formula, lazy, source, exact_lazy)
    return RULES[name]
