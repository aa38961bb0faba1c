"""An optimizer by its name, and numbers with which a rule has no meaning."""

from __future__ import annotations

import math

import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError


@pytest.mark.parametrize("name", sorted(nn.OPTIMIZERS))
def test_a_rule_can_be_named(name):
    net = nn.Network([nn.Dense(1)], optimizer=name)
    assert net.expert.optimizer == nn.OPTIMIZERS[name]()
    model = hw.Classifier(hidden=(4,), optimizer=name)
    model.learn_one({"a": 1.0}, "x")
    assert model.experts_[0]["optimizer"] == repr(nn.OPTIMIZERS[name]())
    assert model.optimizer == name, "what was given stays as it was given"


@pytest.mark.parametrize("given", ["adm", 5, nn.Adam])
@pytest.mark.parametrize(
    "make",
    [lambda o: nn.Network([nn.Dense(1)], optimizer=o), lambda o: hw.Regressor(optimizer=o).learn_one({"a": 1.0}, 1.0)],
)
def test_what_is_no_rule_is_refused(make, given):
    with pytest.raises(ConfigError, match="optimizer"):
        make(given)


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (nn.Adam, {"beta1": 2.0}), (nn.Adam, {"beta2": 1.0}), (nn.Adam, {"beta1": math.nan}), (nn.Adam, {"eps": -1e-8}),
        (nn.RMSProp, {"rho": -0.1}), (nn.Momentum, {"momentum": 1.0}), (nn.AdamW, {"weight_decay": math.inf}),
        (nn.FTRL, {"l1": -1.0}), (nn.NAdam, {"beta1": "0.9"}),
    ],
)  # fmt: skip
def test_numbers_without_a_meaning_are_refused_where_the_optimizer_is_made(rule, given):
    with pytest.raises(ConfigError, match=r"expected a (share|number)"):
        rule(**given)


@pytest.mark.parametrize("lr", [0, -0.1, True, "0.1", math.nan, None])
def test_what_is_no_step_size_is_refused_where_the_optimizer_is_made(lr):
    with pytest.raises(ConfigError, match=r"expected a step size above 0 or a schedule"):
        nn.SGD(lr)
