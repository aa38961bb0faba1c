"""The declaration of the kind Agent."""

from headwater.learner.kind import KEPT_ROWS, OPTIMIZER, Kind, Reduction
from headwater.learner.schema import Column, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.schema.verb import ROW, Verb
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Agent",
    task="control",
    noun="agent",
    learner=Lazy("headwater.kinds.agent.learner:Agent"),
    can=frozenset(("web", "onnx", "importance", "report", "fleet", "answers", "environment", "late", "weights")),
    answer=Answer(
        (
            Field("action", "any", "The action that was taken."),
            Field("reward", "number", "What it brought."),
            Field("next", "row", "The state that followed.", default=None),
            Field("terminated", "boolean", "Whether the episode has ended.", default=False),
            Field("truncated", "boolean", "Whether the episode was cut off.", default=False),
        ),
        Lazy("headwater.kinds.agent.states:checked_transition"),
        compound=True,
        given_out=Lazy("headwater.kinds.agent.states:with_action"),
        later=Lazy("headwater.kinds.agent.states:checked_outcome"),
        table=Lazy("headwater.kinds.agent.columns:TransitionColumns"),
    ),
    score=Lazy("headwater.kinds.agent.scores.score:AgentScore"),
    explain=Lazy("headwater.kinds.agent.explain:explain_worth"),
    importance=Lazy("headwater.kinds.agent.explain:worth_importance"),
    findings=Lazy("headwater.kinds.agent.findings:diagnose_agent"),
    durable=Lazy("headwater.kinds.agent.durable:DurableAgent"),
    question=Question("act", (Field("explore", "boolean", "Whether actions may be random.", default=False),)),
    response=(
        Field("value", "number", "The value of the state: the discounted sum of scaled rewards to come."),
        Field("action", "any", "The action to take."),
    ),
    respond=Lazy("headwater.kinds.agent.ask:ask_agent"),
    verbs=(
        Verb(
            "act",
            "ask",
            "Return the action to take in a state, and change nothing.",
            needs="environment",
            fields=(ROW, Field("explore", "boolean", "Whether actions may be random.", default=True)),
            shows=("action",),
        ),
        Verb(
            "transition",
            "teach",
            "Learn transitions, all of a request or none, replying once they are durable and learned.",
            needs="environment",
        ),
    ),
    explained=(Field("action", "any", "The action that is explained; the best one without it.", default=None),),
    issue=Lazy("headwater.kinds.agent.ask:take_action"),
    instead={
        "delay": "Learn a transition once the next state is there: learn(state, action, reward, next).",
        "classes": "Ask act(state); to learn known classes use a Classifier.",
        "scores": "Ask value(state).",
        "challenge": "Run another agent in an environment of its own: what an agent sees follows from what it does.",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Call plot(), which draws the return of each episode and the value of each action.",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "cluster": "Transitions are learned in order: teach it in one process.",
        "step": "Steps are bounded by kappa; make a new one with another.",
        "keys": "Make one Agent an environment.",
        "ahead": "Use a Forecaster for a series.",
        "acts": "Ask act(state) and teach learn(state, action, reward, next); a Bandit learns single decisions.",
        "outputs": "Give a Box of several numbers as actions.",
        "coverage": "Ask policy(state) for how actions are drawn.",
    },
    settings=(
        Field(
            "actions",
            "names",
            "The actions: how many, or their names. Those of the first rows without it.",
            default=None,
        ),
        Field("method", "text", "q or ac.", default=None),
        Field("explore", "any", "Over so many steps the share of random actions falls.", default=50_000, unit="steps"),
    ),
    views=Views(
        curve=("return", "return mean"),
        lead="return mean",
        along="episodes",
        latest=(
            Column("action", "answer", "action"),
            Column("reward", "answer", "reward"),
            Column("value", "said"),
            Column("terminated", "answer", "terminated", mark=True),
        ),
        words={
            "en": {
                "question": "What to do?",
                "about": "The model “{name}” acts in an environment: it chooses an action in each state, sees the reward and the "
                "state that follow, and learns from them at once. A return is the sum of the rewards of an episode.",
                "curve": "Return of each episode, and the mean of the last 100",
            },
            "zh": {
                "question": "该怎么做？",
                "about": "模型“{name}”在环境中行动：它在每个状态中选择一个动作，看到随之而来的奖励和状态，并立刻从中学习。"
                "回报是一个回合中所有奖励之和。",
                "curve": "每个回合的回报，以及最近 100 个回合的均值",
            },
        },
    ),
    adapters={"onnx": Lazy("headwater.kinds.agent.onnx:actions_out")},
    pictures=Lazy("headwater.kinds.agent.scores.pictures:pictures_of"),
    own_inputs="agent ",
    alias="agent",
    costs=Lazy("headwater.kinds.agent.scores.costs:StepCosts"),
    reduction=Reduction((*OPTIMIZER, *KEPT_ROWS, "tile_traces")),
)
