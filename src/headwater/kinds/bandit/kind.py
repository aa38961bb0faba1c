"""The declaration of the kind Bandit."""

from headwater.learner.kind import KEPT_ROWS, OPTIMIZER, Kind, Reduction
from headwater.learner.schema import Column, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.schema.verb import Verb
from headwater.types import Lazy

__all__ = ["KIND"]

KIND = Kind(
    name="Bandit",
    task="decide",
    noun="bandit",
    learner=Lazy("headwater.kinds.bandit.learner:Bandit"),
    can=frozenset(
        ("web", "importance", "report", "onnx", "fleet", "challenge", "answers", "acts", "delay", "late", "weights")
    ),
    answer=Answer(
        (
            Field("action", "label", "The action that was taken."),
            Field("reward", "number", "What came of it; the more, the better."),
            Field("p", "number", "The probability with which it was taken.", 1.0, 0, 1, word="probability"),
            Field("actions", "offer", "The actions that were offered, perhaps with features.", default=None),
        ),
        Lazy("headwater.kinds.bandit.decision:checked_decision"),
        compound=True,
        given_out=Lazy("headwater.kinds.bandit.decision:with_reward"),
        later=Lazy("headwater.kinds.bandit.decision:as_reward"),
        table=Lazy("headwater.kinds.bandit.columns:DecisionColumns"),
        fault=Lazy("headwater.kinds.bandit.columns:fault"),
    ),
    score=Lazy("headwater.kinds.bandit.scores.score:BanditScore"),
    explain=Lazy("headwater.kinds.bandit.explain:explain_action"),
    findings=Lazy("headwater.kinds.bandit.findings:diagnose_bandit"),
    durable=Lazy("headwater.kinds.bandit.durable:DurableBandit"),
    question=Question(
        "act",
        (
            Field(
                "actions", "offer", "The actions on offer, perhaps with features; those known without it.", default=None
            ),
        ),
    ),
    response=(
        Field("y_pred", "label", "The action of the largest expected reward."),
        Field("proba", "map", "The probability with which each action is drawn."),
        Field("expected", "map", "The reward that is expected of each action."),
    ),
    respond=Lazy("headwater.kinds.bandit.ask:ask_bandit"),
    names_in=Lazy("headwater.kinds.bandit.decision:actions_in"),
    adapters={"onnx": Lazy("headwater.kinds.bandit.onnx:values_out")},
    verbs=(
        Verb(
            "act",
            "choose",
            "Draw an action for a row and return its id, the action, and its probability.",
            needs="acts",
        ),
        Verb(
            "reward",
            "tell",
            "Learn the reward of an earlier action, by its id.",
            needs="acts",
            fields=(Field("reward", "number", "What came of it; the more, the better."),),
        ),
    ),
    explained=(Field("action", "label", "The action that is explained; the best one without it.", default=None),),
    issue=Lazy("headwater.kinds.bandit.ask:draw_action"),
    instead={
        "classes": "Ask predict_one(x) for the best action; to learn known classes use a Classifier.",
        "scores": "Ask expected_rewards(x).",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Call plot(x), which draws what each action is worth.",
        "seat": "Make the fleet without store= and resident=: its members are objects.",
        "cluster": "Teach it in one process.",
        "step": "Make a new one, or set amount to explore more.",
        "keys": "Give the key as a column of the row.",
        "ahead": "Use a Forecaster for a series.",
        "outputs": "Make one Bandit a choice.",
        "coverage": "Ask value(policy, log), which gives an interval for what a policy earns.",
        "environment": "Use an Agent where actions change what comes next.",
    },
    settings=(
        Field(
            "explore", "any", "How actions are drawn: squarecb, epsilon, softmax, greedy or linucb.", default="squarecb"
        ),
        Field("rewards", "list", "The lowest and the highest reward.", default=(0.0, 1.0)),
    ),
    views=Views(
        curve=("model", "", "uniform", "best fixed"),
        along="decisions",
        latest=(
            Column("action", "answer", 0),
            Column("reward", "answer", 1),
            Column("probability", "answer", 2),
            Column("best_action", "said"),
        ),
        panels=("actions",),
        words={
            "en": {
                "question": "Which action?",
                "about": "The model “{name}” chooses an action for each row, sees the reward of that action alone, and learns from "
                "it. What simple policies would have earned follows from the probabilities of the actions.",
                "curve": "Mean reward (last 1,000), and what simple policies would have earned",
            },
            "zh": {
                "question": "选择哪个动作？",
                "about": "模型“{name}”为每个样本选择一个动作，只看到该动作的奖励并从中学习。"
                "简单策略本来会得到的奖励由各动作的概率推出。",
                "curve": "平均奖励（最近 1,000 个），以及简单策略本来会得到的奖励",
            },
        },
    ),
    pictures=Lazy("headwater.kinds.bandit.scores.pictures:pictures_of"),
    alias="bandit",
    costs=Lazy("headwater.kinds.bandit.scores.score:ChoiceCosts"),
    reduction=Reduction((*OPTIMIZER, *KEPT_ROWS, "bandit_ring")),
)
