"""Settings are taken as people write them, and stand once."""

from dataclasses import fields

import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError
from headwater.interop.sklearn import OnlineClassifier, OnlineRegressor
from headwater.learner.settings import Settings

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
    own = {field.name: field.default for field in fields(make)}
    for field in fields(Settings):
        assert field.name == "loss" or own[field.name] is field.default
        assert (
            f"\n    {field.name} :" in make.__doc__
            or f"{field.name}, " in make.__doc__
            or f", {field.name} :" in make.__doc__
        )
    assert "SETTINGS" not in make.__doc__
