"""The declaration of the kind Router."""

from headwater.learner.kind import Kind
from headwater.learner.schema import Column, Field, Question, Views
from headwater.learner.schema.answer import Answer
from headwater.learner.schema.verb import Verb
from headwater.types import Lazy

__all__ = ["KIND"]

_TOKENS = Field("tokens", "number", "Tokens of the prompt.", default=None, least=0)

KIND = Kind(
    name="Router",
    task="route",
    noun="router",
    learner=Lazy("headwater.kinds.router.learner:Router"),
    can=frozenset(("answers", "importance", "report", "late", "routes")),
    answer=Answer(
        (
            Field("model", "label", "The model that answered.", word="chosen"),
            Field("quality", "number", "How good its answer was, from 0 to 1."),
            Field("p", "number", "The probability with which it was chosen.", 1.0, 0, 1, word="probability"),
        ),
        Lazy("headwater.kinds.router.outcome:checked_outcome"),
        compound=True,
        given_out=Lazy("headwater.kinds.router.outcome:with_choice"),
        later=Lazy("headwater.kinds.router.outcome:told_later"),
        table=Lazy("headwater.kinds.router.columns:OutcomeColumns"),
        fault=Lazy("headwater.kinds.router.columns:fault"),
    ),
    score=Lazy("headwater.kinds.router.score:RouterScore"),
    explain=Lazy("headwater.kinds.router.looks:explain_model"),
    findings=Lazy("headwater.kinds.router.looks:diagnose_router"),
    series=Lazy("headwater.kinds.router.looks:ledger"),
    pictures=Lazy("headwater.kinds.router.looks:pictures_of"),
    durable=Lazy("headwater.kinds.router.durable:DurableRouter"),
    question=Question("choose", (_TOKENS,)),
    response=(
        Field("y_pred", "label", "The most probable model; with keep the one that was drawn."),
        Field("proba", "map", "The probability with which each model is drawn."),
        Field("expected", "map", "The quality that is expected of each model.", default=None),
        Field("cost", "map", "What each model is expected to cost.", default=None),
    ),
    respond=Lazy("headwater.kinds.router.ask:ask_router"),
    verbs=(
        Verb(
            "choose",
            "choose",
            "Choose a model for a prompt and return its id, the model, its probability, and what is expected of it.",
            needs="routes",
            fields=(
                Field("prompt", "prompt", "The prompt, an embedding of it, or its features.", default=None),
                _TOKENS,
            ),
            read=Lazy("headwater.kinds.router.prompts:row_of"),
            more=(
                Field("quality", "number", "The quality that is expected of it."),
                Field("cost", "number", "What it is expected to cost."),
            ),
        ),
        Verb(
            "reward",
            "tell",
            "Learn the quality of an earlier choice, what it cost, or both, by its id.",
            needs="routes",
            fields=(
                Field("quality", "number", "How good the answer was.", default=None),
                Field("cost", "number", "What it cost.", default=None, least=0),
            ),
        ),
        Verb(
            "prices",
            "look",
            "Return the price of each model, and the budget.",
            needs="routes",
            shown=Lazy("headwater.kinds.router.looks:prices_of"),
            says=Lazy("headwater.kinds.router.looks:PriceSummary"),
        ),
        Verb(
            "prices",
            "change",
            "Change prices, add and drop models, or change the budget. It is on disk before the response is sent.",
            needs="routes",
            fields=(
                Field(
                    "models",
                    "map",
                    "Price of each model for a million tokens, null for one that goes.",
                    None,
                    0,
                    exclusive=True,
                ),
                Field(
                    "budget", "number", "Mean cost of a decision, null for none.", default=None, least=0, exclusive=True
                ),
            ),
            shown=Lazy("headwater.kinds.router.looks:prices_of"),
            says=Lazy("headwater.kinds.router.looks:PriceSummary"),
        ),
        Verb(
            "frontier",
            "look",
            "Return what was decided and spent, and what quality can be expected at each mean cost.",
            needs="routes",
            shown=Lazy("headwater.kinds.router.looks:frontier_of"),
            says=Lazy("headwater.kinds.router.looks:FrontierSummary"),
        ),
    ),
    names_in=Lazy("headwater.kinds.bandit.decision:actions_in"),
    explained=(Field("model", "label", "The model that is explained; the best one without it.", default=None),),
    issue=Lazy("headwater.kinds.router.ask:draw_model"),
    noted=Lazy("headwater.kinds.router.ask:take_note"),
    instead={
        "classes": "Ask choose(prompt) for a model; to learn known classes use a Classifier.",
        "scores": "Ask frontier() for what quality costs.",
        "losses": "Ask importance(), which needs no loss of a row.",
        "layers": "Call plot(), which draws the quality of each model and what it costs.",
        "seat": "Give the key as a feature of the prompt: one budget belongs to one router.",
        "fleet": "Give the key as a feature of the prompt: one budget belongs to one router.",
        "keys": "Give the key as a feature of the prompt.",
        "cluster": "Keep it in one process, which alone knows what was spent.",
        "challenge": "Ask value(policy) what another policy would have earned: two routers can't spend one budget.",
        "step": "Change its prices or its budget instead.",
        "weights": "Reward a choice once; p weighs it by how probable it was.",
        "ahead": "Use a Forecaster for a series.",
        "outputs": "Make one Router a choice.",
        "coverage": "Ask value(policy), which gives an interval for what a policy earns.",
        "environment": "Use an Agent where a choice changes what comes next.",
        "acts": "Ask choose(prompt, tokens), over HTTP POST /choose.",
        "onnx": "Serve it: headwater serve --store FILE answers POST /choose.",
        "web": "Serve it: a page that anybody may copy can't keep one budget.",
        "delay": "Ask choose and reward, which take outcomes late by their ids.",
        "labels": "Reward the choices whose quality you know: those without one teach nothing and cost nothing.",
        "device": "Serve it: its costs and waiting choices belong to one process.",
    },
    settings=(
        Field(
            "models",
            "map",
            "Price of each model for a million tokens, as in small=0.25,large=3.",
            default=None,
            word="prices",
        ),
        Field("budget", "number", "Mean cost of a decision.", default=None, least=0),
    ),
    views=Views(
        curve=("model", "", "uniform", "best fixed", "spent"),
        right=("spent",),
        along="decisions",
        latest=(
            Column("chosen_model", "answer", 0),
            Column("quality", "answer", 1),
            Column("probability", "answer", 2),
            Column("cost", "answer", 3),
            Column("expected_cost", "answer", 4),
        ),
        panels=("routes",),
        words={
            "en": {
                "question": "Which model answers?",
                "about": "The router “{name}” chooses the language model that answers each prompt, learns from the quality that is "
                "told, and keeps the mean cost of a decision to its budget.",
                "curve": "Mean quality (last 1,000), and what was spent of the budget",
            },
            "zh": {
                "question": "由哪个模型回答？",
                "about": "路由器“{name}”为每个提示词选择作答的语言模型，从反馈的质量中学习，并使每次决策的平均成本不超过预算。",
                "curve": "平均质量（最近 1,000 个），以及已花费的预算比例",
            },
        },
    ),
    alias="router",
    costs=Lazy("headwater.kinds.bandit.scores.score:ChoiceCosts"),
)
