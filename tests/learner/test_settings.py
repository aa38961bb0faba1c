"""Settings are taken as people write them, and stand once."""

import inspect
from dataclasses import dataclass, fields

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError
from headwater.interop.sklearn import OnlineClassifier, OnlineRegressor
from headwater.learner.base import Learner
from headwater.learner.settings import Settings, documented
from headwater.store.learner_file import fingerprint

LEARNERS = (hw.Classifier, hw.Regressor)


def net(model):
    """The one expert of a single net."""
    (expert,) = model.setup.experts
    return expert


@pytest.mark.parametrize("make", LEARNERS)
def test_one_hidden_layer_may_be_a_number(make):
    assert net(make(hidden=32)).layers == net(make(hidden=(32,))).layers
    assert repr(make(32)) == f"{make.__name__}(hidden=32)"


@pytest.mark.parametrize("make", LEARNERS)
def test_lr_is_the_step_size_of_a_single_net(make):
    assert net(make(lr=0.02)).optimizer == nn.RMSProp(0.02, rho=0.999)
    assert net(make(optimizer="adam", lr=0.02)).optimizer == nn.Adam(0.02)
    falling = nn.Cosine(0.1, 10_000)
    assert net(make(optimizer=nn.SGD(0.5), lr=falling)).optimizer == nn.SGD(falling)


@pytest.mark.parametrize("make", LEARNERS)
def test_an_activation_alone_makes_a_single_net_and_is_not_ignored(make):
    first = net(make(activation="tanh")).layers[0]
    assert (first.units, first.activation) == (64, "tanh")
    assert len(make().setup.experts) > 1


@pytest.mark.parametrize("given", [{"lr": 0.1}, {"activation": "tanh"}, {"hidden": (8,)}, {"dropout": 0.1}])
def test_what_a_pool_of_ones_own_would_ignore_is_an_error(given):
    (name,) = given
    with pytest.raises(ConfigError, match=f"expected experts without {name}, got both"):
        hw.Classifier(experts=[nn.Expert()], **given)


@pytest.mark.parametrize("make", [*LEARNERS, OnlineClassifier, OnlineRegressor])
def test_each_setting_is_declared_once_and_described_in_every_class_that_has_it(make):
    own, doc = {field.name: field.default for field in fields(make)}, inspect.getdoc(make)
    for field in fields(Settings):
        assert field.name == "loss" or own[field.name] is field.default
        assert f"\n{field.name} :" in doc or f"{field.name}, " in doc or f", {field.name} :" in doc
    assert "SETTINGS" not in doc


def test_a_class_is_described_alike_whether_the_compiler_strips_indentation_or_not():
    def make(doc):
        @dataclass
        class Base:
            __doc__ = form("""What all have.

    Parameters
    ----------
    own : int
        Said by the class itself.
    given : int
        Inherited,

        at length.
    """)

        @documented
        @dataclass
        class Made(Base):
            __doc__ = doc

        return inspect.getdoc(Made)

    written = """One of them.

    Parameters
    ----------
    SETTINGS
    own : float
        Its own.

    Examples
    --------
    """
    for form in (str, inspect.cleandoc):  # what compilers do before and since Python 3.13
        assert make(form(written)) == (
            "One of them.\n\nParameters\n----------\ngiven : int\n    Inherited,\n\n    at length.\n"
            "own : float\n    Its own.\n\nExamples\n--------"
        )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda n: hw.Classifier(seed=n(3)), "Classifier(seed=3)"),
        (lambda n: hw.Regressor(hidden=n(8)), "Regressor(hidden=8)"),
        (lambda n: hw.Classifier(hidden=(n(8), n(4))), "Classifier(hidden=(8, 4))"),
        (lambda n: hw.Classifier(hidden=[n(8)], lr=np.float64(0.5)), "Classifier(hidden=[8], lr=0.5)"),
        (lambda n: hw.Regressor(lr=np.float32(0.5)), "Regressor(lr=0.5)"),
        (lambda n: hw.Classifier(diagnosis=np.bool_(False)), "Classifier(diagnosis=False)"),
        (lambda n: hw.Forecaster(horizon=n(3), season=n(2)), "Forecaster(horizon=3, season=2)"),
        (lambda n: hw.Anomaly(seed=n(2)), "Anomaly(seed=2)"),
        (lambda n: hw.MultiOutput(seed=n(2)), "MultiOutput(seed=2)"),
        (lambda n: hw.Bandit(rewards=(n(0), n(5))), "Bandit(rewards=(0.0, 5.0))"),
        (lambda n: nn.Dense(n(8)), "Dense(units=8, activation='identity', bias=True, initializer=None)"),
        (lambda n: nn.Dropout(np.float32(0.25)), "Dropout(rate=0.25)"),
        (lambda n: nn.SGD(np.float32(0.25)), "SGD(lr=0.25)"),
    ],
)
@pytest.mark.parametrize("number", [np.int64, np.uint8, int])
def test_a_setting_may_be_a_number_of_numpy_and_becomes_pythons(make, said, number):
    made = make(number)
    assert repr(made) == said
    if isinstance(made, Learner):
        assert fingerprint(made) == fingerprint(make(int))


@pytest.mark.parametrize("seed", [np.float64(1.5), np.int64(-1), np.bool_(True), np.str_("1")])
def test_a_number_of_numpy_that_does_not_fit_is_refused_as_pythons_is(seed):
    with pytest.raises(ConfigError, match=f"expected a whole number of 0 or more, got {seed.item()!r}"):
        hw.Classifier(seed=seed)
