"""``POST /models``: a new model of any kind has the settings that its kind declares, and no others."""

import json
import random
import warnings

import pytest

import headwater as hw
from headwater import nn
from headwater.cli.options.model import ModelOptions
from headwater.errors import HeadwaterError
from headwater.kinds import KINDS
from headwater.learner.kind import kind_with
from headwater.learner.settings import settings_of
from headwater.learner.settings.options import OPTIONS, offered
from headwater.serve.api.models import build_learner
from headwater.serve.app import build
from headwater.serve.run import make_state
from headwater.store.service.price import bytes_declared
from support.packages.imports import when_used

jsonschema = when_used("jsonschema")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
PRICES = {"small": 0.25, "large": 3.0}
MADE = [
    ({"hidden": [8, 4], "optimizer": "sgd", "lr": 0.1}, hw.Classifier((8, 4), optimizer=nn.SGD(0.1))),
    ({"hidden": [], "lr": 0.5, "seed": 7}, hw.Classifier((), optimizer=nn.Adam(0.5), seed=7)),
    ({"text": "title=words,body=raw"}, hw.Classifier(text={"title": "words", "body": "raw"})),
    ({"text": {"title": "bigrams"}}, hw.Classifier(text={"title": "bigrams"})),
    ({"text": "none", "diagnosis": False}, hw.Classifier(text=None, diagnosis=False)),
    ({"memory": 8, "by": "machine", "time": "at"}, hw.Classifier(memory=8, by="machine", time="at")),
    ({"task": "regress", "loss": "huber", "seed": 3}, hw.Regressor(loss="huber", seed=3)),
    ({"task": "anomaly", "hidden": [8], "text": {"e": "cosine"}}, hw.Anomaly(hidden=8, text={"e": "cosine"})),
    ({"task": "forecast", "horizon": 3, "season": 7, "low": 0, "high": 9.5}, hw.Forecaster(3, 7, low=0, high=9.5)),
    ({"task": "bandit", "explore": "epsilon", "rewards": [-1, 2]}, hw.Bandit(explore="epsilon", rewards=(-1, 2))),
    ({"task": "router", "models": PRICES, "budget": 0.01}, hw.Router(PRICES, budget=0.01)),
    ({"task": "agent", "actions": ["l", "r"], "method": "ac"}, hw.Agent(actions=["l", "r"], method="ac")),
    ({"task": "private_regress", "epsilon": 1.0, "within": "0:9"}, None),
]
HOSTILE = [
    *(True, 0, -1, 7.5, -2.5, 1e300, 10**400, 4097, "", "a", "none", "title=words", "card@at:1h", "adam", "mse", "0:1", "a=0:1"),
    *([], [1], [0, 1], ["a", "b"], [[0, 1]], ["a", 1], [[1, "x"]], [True], [-1], [1e300, 2], [10**400, 1], [None], [8] * 9),
    *({}, {"a": 1}, {"a": None}, {"a": "words"}, {"a": [1]}, {"key": "a", "time": "b"}, {"a": -1}, "\x00"),
]  # fmt: skip


@pytest.fixture
def client(tmp_path):
    state = make_state(tmp_path / "a.db")
    with TestClient(build(state)) as client:
        client.state = state
        yield client
    state.close()


def document(client, name):
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    return {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}


@pytest.mark.parametrize(("settings", "wanted"), MADE, ids=lambda one: json.dumps(one) if isinstance(one, dict) else "")
def test_a_model_is_made_as_python_makes_it_and_its_body_is_as_the_document_declares(client, settings, wanted):
    body = {"name": "new", **settings}
    jsonschema.validate(body, document(client, "NewModel"))
    said = client.post("/models", json=body)
    assert said.status_code == 201, said.text
    made = client.state.service.models.named("new").champion.learner
    if wanted is None:
        assert (made.privacy.epsilon, made.privacy.target) == (1.0, (0.0, 9.0))
    else:
        assert {k: repr(v) for k, v in settings_of(made).items()} == {
            k: repr(v) for k, v in settings_of(wanted).items()
        }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"task": "regress", "season": 7}, "expected settings of Regressor: hidden, optimizer"),
        ({"task": "forecast", "hidden": [8]}, "expected settings of Forecaster: seed, horizon, season, low, high, key, got"),
        ({"task": "forecast", "horzion": 8}, "Did you mean horizon?"),
        ({"task": "forecast", "horizon": 1025}, "expected a whole number from 1 to 1,024, got 1025"),
        ({"max_rows": 100}, "got max_rows=100"),
        ({"hidden": [4097]}, "expected at most 4,096, got 4097"),
        ({"hidden": [8] * 9}, "expected at most 8 layers, got 9"),
        ({"hidden": "8"}, "expected layer sizes such as 64,32, got '8'"),
        ({"seed": -1}, "expected a seed of at least 0, got -1"),
        ({"lr": 1001}, "expected a number from 0 to 1,000, got 1001"),
        ({"task": "agent", "actions": 10**9}, "expected at most 4,096, got 1000000000"),
        ({"task": "bandit", "rewards": [0, 10**400]}, "expected at most"),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_setting_that_the_kind_lacks_or_a_value_that_can_not_be_is_refused_in_a_sentence(client, body, said):
    answer = client.post("/models", json={"name": "new", **body})
    assert answer.status_code == 400
    told = answer.json()
    assert said in f"{told['error']} — at {told['at']}. {told['help']}"
    assert client.get("/models").json() == []


def test_the_document_says_which_settings_a_kind_has(client):
    schema = document(client, "NewModel")
    for wrong in ({"season": 7}, {"task": "forecast", "hidden": [8]}, {"hidden": [4097]}, {"task": "nonsense"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"name": "new", **wrong}, schema)
    jsonschema.validate({"name": "new", "season": 7}, document(client, "NewChallenger"))  # its task is the model's


def test_a_challenger_has_the_settings_of_the_kind_that_it_challenges(client):
    client.post("/models", json={"name": "a", "task": "bandit"}).raise_for_status()
    said = client.post("/models/a/challengers", json={"name": "b", "explore": "softmax"})
    assert said.status_code == 201
    assert client.state.service.models.named("a").live[1].learner.explore == "softmax"
    assert client.post("/models/a/challengers", json={"name": "c", "season": 7}).status_code == 400


@EVERY
def test_whatever_is_sent_is_a_model_or_a_refusal(kind):
    rng, names = random.Random(1), [field.name for field in offered(kind)]
    made, refused = 0, []
    cases = [{name: value} for name in names for value in HOSTILE]
    cases += [{name: rng.choice(HOSTILE) for name in rng.sample(names, min(3, len(names)))} for _ in range(200)]
    for settings in cases:
        try:
            made += bytes_declared(build_learner(kind.task, settings)) >= 0
        except HeadwaterError as error:
            refused.append(str(error))
    assert made
    assert max(map(len, refused)) < 1_000
    assert made + len(refused) == len(cases)


@EVERY
def test_what_a_kind_declares_of_a_setting_is_so_in_its_class(kind):
    taken = kind.cls.__dataclass_fields__
    for field in kind.settings:
        assert field.name in taken, field.name
        if field.default is not None and taken[field.name].default is not None:
            assert field.default == taken[field.name].default, field.name


def test_the_command_makes_the_same_learner_from_the_same_fields():
    said = {"hidden": "8,4", "optimizer": "sgd", "lr": 0.1, "seed": 3, "text": "none", "diagnosis": False}
    said |= {"rolling": "card@at:1h:sum(amount)"}
    body = {**said, "hidden": [8, 4]}
    asked, posted = ModelOptions(**said).make("classify"), build_learner("classify", body)
    assert settings_of(asked) == settings_of(posted)
    assert set(ModelOptions.__dataclass_fields__) == {field.name for field in OPTIONS}
    assert {field.name for field in OPTIONS} == {field.name for field in offered(kind_with("classify"))}
