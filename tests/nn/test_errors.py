"""Every sentence that ``headwater.nn`` can raise: expected X, got Y — at PLACE. What to do."""

from __future__ import annotations

import ast
import traceback
from pathlib import Path

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError, DataError
from headwater.nn.core import Core
from headwater.plain.losses import LINKS

ROOM = Path(nn.__file__).parent
ELSEWHERE = {
    ROOM / "torch" / "networks.py",
    ROOM / "torch" / "images.py",
    ROOM / "core" / "__init__.py",
}  # tested where they are used: the exporters, the files
X, Y = np.zeros((4, 2)), np.zeros(4)
SGD_AT = "lr of sgd"


def net(layers=None, **options):
    return nn.Network([nn.Dense(1)] if layers is None else layers, inputs=2, **options)


LAST = [nn.Flatten(), nn.Dense(1)]


def image(layers):
    return nn.Network(layers, inputs=(1, 5, 5))


def three(loss="cross_entropy"):
    return net([nn.Dense(3)], loss=loss)


def running_away():
    model = net(optimizer=nn.SGD(1e38))
    model.fit(X + 1, Y + 1, epochs=9)


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


def whole(y_true, y_pred):
    return ((y_true - y_pred) ** 2).mean()


names = ", ".join
# what is done · the error · expected · got · at · help
CASES = [
    (lambda: nn.Activation("swishy"), ConfigError, f"one of {names(nn.ACTIVATIONS)}", "'swishy'", "activation",
     "Choose one of these names."),
    (lambda: nn.Dense(3, "softmax"), ConfigError, f"one of {names(nn.ACTIVATIONS)}", "'softmax'", "activation",
     "Softmax is the link of the loss 'cross_entropy'."),
    (lambda: net(optimizer=nn.Adam(beta1=2.0)), ConfigError, "a share of at least 0 and below 1", "2.0", "beta1 of adam",
     "Leave it out for the usual one, 0.9."),
    (lambda: net(optimizer=5), ConfigError, "an optimizer or its name", "5", "optimizer",
     "Give e.g. nn.Adam(0.001) or 'adam'."),
    (lambda: nn.Dense(0), ConfigError, "a whole number above 0", "0", "units of nn.Dense", "Give e.g. 32."),
    (lambda: nn.Dense(2.5), ConfigError, "a whole number above 0", "2.5", "units of nn.Dense", "Give e.g. 32."),
    (lambda: nn.Dense(True), ConfigError, "a whole number above 0", "True", "units of nn.Dense", "Give e.g. 32."),
    (lambda: nn.Embedding(0, 2), ConfigError, "a whole number above 0", "0", "rows of nn.Embedding", "Give e.g. 32."),
    (lambda: nn.Embedding(2, -1), ConfigError, "a whole number above 0", "-1", "units of nn.Embedding",
     "Give e.g. 32."),
    (lambda: nn.Dropout(1.0), ConfigError, "a rate from 0 up to but not 1", "1.0", "nn.Dropout", "Give e.g. 0.1."),
    (lambda: nn.Dropout(-0.1), ConfigError, "a rate from 0 up to but not 1", "-0.1", "nn.Dropout", "Give e.g. 0.1."),
    (lambda: nn.Dense(3, initializer="xavier"), ConfigError, f"one of {names(nn.INITIALIZERS)}", "'xavier'",
     "initializer",
     "Choose one of these names."),
    (lambda: nn.Initializer("orthogonal").check_rows(), ConfigError,
     "an initializer that draws row by row", "'orthogonal'", "initializer of the first layer",
     "Use 'he' there; 'orthogonal' needs all rows at once, and here they come one by one."),
    (lambda: nn.Loss("rmse"), ConfigError,
     "one of mse, mae, huber, binary_cross_entropy, cross_entropy, hinge, poisson, quantile", "'rmse'", "loss",
     "Did you mean mse?"),
    (lambda: nn.Loss("quantile", 1.5), ConfigError, "a number between 0 and 1.0", "1.5", "loss quantile",
     "Give such a number."),
    (lambda: nn.Loss("huber", 0.0), ConfigError, "a number between 0 and inf", "0.0", "loss huber",
     "Give such a number."),
    (lambda: nn.optimizer("adamm"), ConfigError, f"one of {names(nn.OPTIMIZERS)}", "'adamm'", "optimizer",
     "Did you mean adam or nadam or adamw?"),
    (lambda: net(optimizer=nn.SGD(-0.1)), ConfigError, "a step size above 0 or a schedule", "-0.1", SGD_AT,
     "Give e.g. lr=0.01 or nn.Cosine(0.01, steps=1000)."),
    (lambda: net(optimizer=nn.SGD("fast")), ConfigError, "a step size above 0 or a schedule", "'fast'", SGD_AT,
     "Give e.g. lr=0.01 or nn.Cosine(0.01, steps=1000)."),
    (lambda: net([]), ConfigError, "Dense, Embedding or Conv as first layer", "no layer", "layers",
     "Put nn.Dense(units) first."),
    (lambda: net([nn.Dropout()]), ConfigError, "Dense, Embedding or Conv as first layer", "Dropout", "layers",
     "Put nn.Dense(units) first."),
    (lambda: net([nn.Dense(2), nn.Embedding(3, 2)]), ConfigError, "Embedding as first layer only", "one further down",
     "layers", "Move it to the front."),
    (lambda: net([nn.Dense(2), "relu"]), ConfigError, "a layer of headwater.nn", "'relu'", "layers",
     "See headwater.nn.LAYERS."),
    (lambda: net([nn.Dense(2), nn.Recurrent(2)]), ConfigError, "Recurrent as first layer only", "one further down",
     "layers", "Move it to the front."),
    (lambda: nn.Recurrent(2, r_min=0.9, r_max=0.5), ConfigError, "0 ≤ r_min ≤ r_max ≤ 1, and r_max above 0", "0.9 and 0.5",
     "nn.Recurrent", "Give e.g. 0.9 and 0.999."),
    (lambda: nn.Recurrent(2, max_angle=0.0), ConfigError, "an angle above 0, at most 2π", "0.0",
     "max_angle of nn.Recurrent", "Give e.g. 0.5 for slow swings."),
    (lambda: nn.Network([nn.Recurrent(2)]), ConfigError, "a Dense layer after Recurrent, for the outputs", "none", "layers",
     "Put nn.Dense(1) at the end."),
    (lambda: net([nn.Recurrent(2), nn.Dense(1)]).fit(X, Y), ConfigError,
     "a network without a state, whose samples have no order", "one with nn.Recurrent", "Network.fit",
     "Use learn_many, which learns rows in their order."),
    (lambda: net([nn.Recurrent(2), nn.Dense(1)]).to_torch(), ConfigError,
     "a network without a state, since this form has none", "one with nn.Recurrent", "Network.to_torch",
     "Keep it with save and headwater.load."),
    (lambda: net([nn.Recurrent(2), nn.Dense(1)], engine="plain"), ConfigError,
     "layers without a state, with engine='plain'", "Recurrent", "layers",
     "Leave engine out; headwater.plain.network.recurrent shows the arithmetic."),
    *((lambda name=name: net(**{name: -1.0}), ConfigError, "0 or more", "-1.0", name, "Give 0 for none.")
      for name in ("l1", "l2", "clip_norm", "clip_value")),
    (lambda: net([nn.Dense(2**21)]), ConfigError, "1 to 1048576", "2.09715e+06", "outputs", "Give such a number."),
    (lambda: net(dtype="float16"), ConfigError, "'float32' or 'float64'", "'float16'", "dtype",
     "Choose one of the two."),
    (lambda: net(loss="cross_entropy"), ConfigError,
     "an output for each class, so 2 or more, for cross_entropy", "1", "layers",
     "Use binary_cross_entropy for one output of yes or no."),
    *((lambda last=last: net([nn.Dense(2), *last], loss="binary_cross_entropy"), ConfigError,
       "a last layer without an activation, since binary_cross_entropy applies the sigmoid itself",
       "'sigmoid', so it would be applied twice", "layers",
       "Make the last layer nn.Dense(1). The prediction is still a probability.")
      for last in ([nn.Dense(1, "sigmoid")], [nn.Dense(1), nn.layers.Activation("sigmoid")])),
    (lambda: nn.Network([nn.Dense(1)]).layers, ConfigError, "a network with a known number of inputs",
     "one that has seen no data", "Network", "Pass inputs=…, call build(n), or pass data first."),
    (lambda: net(engine="numba"), ConfigError, "'core' or 'plain'", "'numba'", "engine of Network",
     "Leave it out for the core."),
    (lambda: net(engine="plain").core, ConfigError, "a network with engine='core'", "engine='plain'", "Network",
     "Make it without engine=…. The same seed gives the same results."),
    (lambda: net().plain, ConfigError, "a network with engine='plain'", "engine='core'", "Network",
     "Make it with engine='plain'."),
    (lambda: net().fit(X, Y, epochs=0), ConfigError, "a whole number above 0", "0", "epochs of Network.fit",
     "Give e.g. 32."),
    (lambda: net().fit(X, Y, batch_size=-3), ConfigError, "a whole number above 0", "-3", "batch_size of Network.fit",
     "Give e.g. 32."),
    (lambda: net().fit(X, Y, validation_split=1.5), ConfigError,
     "a share between 0 and 1 that leaves samples on both sides, and no validation=(X, y) beside it",
     f"1.5 of {len(X)} samples", "validation_split", "Give e.g. 0.2."),
    (lambda: net().fit(X, Y, early_stopping=3), ConfigError, "validation=(X, y)", "none", "early_stopping",
     "Give data to stop by."),
    (lambda: net().forward({"a": 1}), DataError, "an array of numbers", "dict", "X",
     "For dicts, names and strings use hw.Classifier or hw.Regressor."),
    (lambda: net().forward([["a", "b"]]), DataError, "an array of numbers", "list", "X",
     "For dicts, names and strings use hw.Classifier or hw.Regressor."),
    (lambda: net().forward(np.zeros((2, 2, 2))), DataError, "X of shape (samples, inputs)", "(2, 2, 2)", "X",
     "Reshape it."),
    (lambda: net().forward(np.zeros((2, 3))), DataError, "2 inputs", "3", "X",
     "A Network has a fixed shape; hw.Classifier grows."),
    (lambda: net([nn.Embedding(3, 2)]).forward([[0, 3]]), DataError, "ids from 0 to 2", "0 … 3", "X",
     "Give Embedding more rows."),
    (lambda: net([nn.Embedding(3, 2)]).learn_many([[-1, 1]], [[0, 0]]), DataError, "ids from 0 to 2", "-1 … 1", "X",
     "Give Embedding more rows."),
    (lambda: net([nn.Embedding(3, 2)]).forward([[np.nan, 1]]), DataError, "ids from 0 to 2", "nan … nan", "X",
     "Give Embedding more rows."),
    (lambda: net([nn.Embedding(3, 2)]).forward([[0.5, 1]]), DataError, "whole numbers as ids", "0.5", "X",
     "An Embedding selects rows by id. Pass quantities to a Dense layer."),
    (lambda: net().loss(X, ["yes"] * 4), DataError, "an array of numbers", "list", "y",
     "Number the classes from 0, or use hw.Classifier."),
    (lambda: net().loss(X, Y[:3]), DataError, "4 answers of 1 number(s)", "shape (3, 1)", "y",
     "Give one answer a row of X."),
    (lambda: three().loss(X, np.zeros((4, 2))), DataError, "4 answers of 1 or 3 number(s)", "shape (4, 2)", "y",
     "Give one answer a row of X."),
    (lambda: net().learn_many(X, [0, np.nan, 0, 0]), DataError, "finite answers", "nan or inf", "y",
     "Drop these rows."),
    (lambda: three().loss(X, [0, 1, 2, 3]), DataError, "classes from 0 to 2", "0 … 3", "y",
     "Number the classes from 0."),
    (lambda: three("hinge").loss(X, [-1, 1, 1, 1]), DataError, "classes from 0 to 2", "-1 … 1", "y",
     "Number the classes from 0."),
    (lambda: three().learn_many(X, [0, 1.5, 2, 0]), DataError, "classes from 0 to 2", "0 … 2", "y",
     "Number the classes from 0."),
    (lambda: net(loss="binary_cross_entropy").loss(X, [-1, 1, 1, 1]), DataError, "answers from 0 to 1", "-1 … 1", "y",
     "The loss binary_cross_entropy has no minimum outside."),
    (lambda: net(loss="poisson").loss(X, [-1, 1, 1, 1]), DataError, "answers of 0 or more", "-1 … 1", "y",
     "The loss poisson has no minimum outside."),
    (lambda: three().loss(X, -np.ones((4, 3))), DataError, "answers of 0 or more", "-1 … -1", "y",
     "The loss cross_entropy has no minimum outside."),
    (lambda: net().loss(X, Y, w=[1, 2]), DataError, "4 weights from 0 to 1e+15", "shape (2,)", "w",
     "Give one weight a row."),
    (lambda: net().fit(X, Y, w=[1, 2, -3, 1]), DataError, "4 weights from 0 to 1e+15", "-3 … 2", "w",
     "Give one weight a row."),
    (lambda: net().fit(X, Y, w=[1, 2, np.inf, 1]), DataError, "4 weights from 0 to 1e+15", "1 … inf", "w",
     "Give one weight a row."),
    (lambda: net().learn_many(X, Y, w=[1, 2, "x", 1]), DataError, "an array of numbers", "list", "w",
     "Give one weight a row."),
    (lambda: net().update(np.zeros(3)), DataError, f"a gradient of shape {net().parameters.shape}", "(3,)",
     "Network.update", "Give what gradients() returned."),
    (running_away, DataError, "a loss that stays finite", "inf", "Network.fit, epoch 2",
     "Use a smaller step or clip_norm, and bring the inputs to about -1 … 1. The state before this epoch was restored."),
    (lambda: nn.Autoencoder([], inputs=2), ConfigError, "the width of the code, or of several layers", "none", "hidden",
     "Give e.g. [64, 8]."),
    (lambda: nn.Autoencoder([1], inputs=2, loss="hinge"), ConfigError,
     "one of mse, huber, mae, binary_cross_entropy", "'hinge'", "loss of Autoencoder", "Choose one of these names."),
    (lambda: nn.Autoencoder([1], inputs=2, tied=True, optimizer=nn.SGD(1e38)).fit(X + 1, epochs=9, batch_size=2), DataError,
     "a loss that stays finite", "a gradient that is not", "Autoencoder",
     "Use a smaller step, and bring the inputs to about -1 … 1."),
    (lambda: nn.Conv(0, 3), ConfigError, "a whole number above 0", "0", "channels of nn.Conv", "Give e.g. 32."),
    (lambda: nn.Conv(2, 3, padding=3), ConfigError, "a whole number from 0 to 2", "3", "padding of nn.Conv", "Give 0 for none."),
    (lambda: nn.Pool(3, padding=2), ConfigError, "a whole number from 0 to 1", "2", "padding of nn.Pool", "Give 0 for none."),
    (lambda: nn.Pool(kind="median"), ConfigError, "'max' or 'mean'", "'median'", "kind of nn.Pool", "Leave it out for 'max'."),
    (lambda: net([nn.Conv(2, 3), nn.Dense(1)]), ConfigError,
     "inputs=(channels, height, width), since the first layer reads an image", "2", "inputs of Network",
     "Give e.g. (1, 28, 28), or show it data of shape (samples, channels, height, width)."),
    (lambda: image([nn.Conv(2, 3), nn.Dense(1)]), ConfigError, "numbers for nn.Dense", "an image of shape (2, 3, 3)",
     "layers[1]", "Put nn.Flatten() before it."),
    (lambda: net([nn.Dense(9), nn.Conv(2, 3), nn.Dense(1)]), ConfigError, "an image for nn.Conv", "9 numbers", "layers[1]",
     "Put it first, and pass inputs=(channels, height, width)."),
    (lambda: image([nn.Conv(2, 6), *LAST]), ConfigError, "a window of at most 5 × 5", "6 × 6", "layers[0]",
     "Make the window smaller, or add padding."),
    (lambda: image([nn.Conv(2, 3), nn.Flatten()]), ConfigError, "a Dense layer that gives the outputs", "none", "layers",
     "Put nn.Flatten() and nn.Dense(outputs) last."),
    (lambda: image([nn.Conv(2, 3), *LAST]).forward(np.zeros((4, 5, 5, 1))), DataError, "X of shape (samples, 1, 5, 5)",
     "(4, 5, 5, 1)", "X", "Reshape it; channels come first."),
    (lambda: hw.Classifier(hidden=(nn.Conv(2, 3),)).learn_one({"a": 1.0}, "x"), ConfigError,
     "numbers of units, since rows of named values are not images", "nn.Conv", "hidden",
     "Use nn.Network([nn.Conv(…), …], inputs=(channels, height, width)) for images."),
    (lambda: hw.Classifier(layers=[nn.Conv(2, 3)]).learn_one({"a": 1.0}, "x"), ConfigError,
     "layers that read named values, which are no image", "nn.Conv", "layers",
     "Use nn.Network([nn.Conv(…), …], inputs=(channels, height, width)) for images."),
    (lambda: nn.PythonLoss(5), ConfigError, "a function of y_true and y_pred", "5", "value of PythonLoss",
     "Give e.g. lambda y_true, y_pred: (y_true - y_pred) ** 4."),
    (lambda: nn.PythonLoss(squared, link="probit"), ConfigError, f"one of {names(LINKS)}", "'probit'", "link of PythonLoss",
     "Choose one of these names."),
    (lambda: net(loss=whole).learn_many(X, Y), DataError,
     "a cost for each sample, of shape (1,), or for each output, of shape (1, 1)", "shape ()", "loss whole",
     "y_true and y_pred are arrays of samples and outputs."),
    (lambda: net(loss=nn.PythonLoss(squared, whole)).learn_many(X, Y), DataError,
     "a derivative for each output, of shape (1, 1)", "shape ()", "loss squared",
     "y_true and y_pred are arrays of samples and outputs."),
    (lambda: net(loss=squared).save("never.hw"), ConfigError, "a network with a loss by name",
     "squared, a function of Python", "save of Network", "Copy weights and bias of net.layers into such a network."),
]  # fmt: skip


def caught(action, kind) -> tuple[BaseException, tuple[Path, int]]:
    """The error and the file and line that raised it."""
    with pytest.raises(kind) as info:
        action()
    frame = traceback.extract_tb(info.value.__traceback__)[-1]
    return info.value, (Path(frame.filename), frame.lineno)


@pytest.mark.parametrize(
    ("action", "kind", "expected", "got", "at", "remedy"), CASES, ids=[f"{c[4]}-{c[3]}" for c in CASES]
)
def test_an_error_says_what_was_expected_what_came_where_and_what_to_do(action, kind, expected, got, at, remedy):
    error, _ = caught(action, kind)
    assert type(error) is kind
    assert isinstance(error, ValueError)
    assert (error.expected, error.got, error.at, error.help) == (expected, got, at, remedy)
    assert str(error) == f"expected {expected}, got {got} — at {at}. {remedy}"


def test_every_place_that_raises_has_a_case_above():
    raised = {caught(action, kind)[1] for action, kind, *_ in CASES}
    unreached = [
        f"{path.relative_to(ROOM)}:{node.lineno}"
        for path in sorted(ROOM.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and node.exc is not None and path not in ELSEWHERE
        if not any(file == path and node.lineno <= line <= node.end_lineno for file, line in raised)
    ]
    assert unreached == [], "add a case for each"


@pytest.mark.parametrize("loss", ["mse", "huber", "binary_cross_entropy", "poisson"])
def test_a_stream_of_single_numbers_has_one_output(loss):
    with pytest.raises(ConfigError, match="expected one, where a sample's answer is one number, got 3 — at outputs"):
        Core([nn.Expert((nn.Dense(3),), nn.Loss(loss))], dtype="float32", seed=0, outputs=3)


def test_an_error_leaves_the_net_as_it_was():
    model = net([nn.Dense(4, "relu"), nn.Dense(1)], optimizer=nn.Adam())
    model.learn_many(X + 1, Y + 1)
    before = model.core.state()
    for bad in (lambda: model.learn_many(X, [0, np.inf, 0, 0]), lambda: model.fit(np.zeros((4, 3)), Y)):
        with pytest.raises(DataError):
            bad()
    after = model.core.state()
    assert [name for name in before if not np.array_equal(after[name], before[name])] == []
