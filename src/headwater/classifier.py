"""The classifier: a net behind River's words, whose classes appear as the stream shows them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from river import base

from .engine import Engine, describe, merged, rows_of
from .guards import HEAVIEST, as_answers, check_labels, check_pairs, check_rows, check_weights
from .labels import as_labels, both, join_stretches, stretches, third_class
from .nn import Loss, Optimizer
from .nn.layers import Layer
from .nn.lower import Expert
from .setup import cloned, make_setup, params_of, shown
from .types import Forecast

_PLAIN = frozenset((str, int, bool))  # types of labels that are hashable and never NaN
RARE = -6.0  # the bias of a class that appears later is ln(1/(t + k)), but not below this: e⁻⁶ is 1 in 400


class Classifier(base.Classifier):
    """Neural networks that learn classes online: predict, see the answer, learn, one example at a time.

    Inputs are dicts of numbers, texts, booleans, date-times, lists, or None for what is missing; features, categories and
    classes may appear at any time. Numbers are standardised as they stream. p = softmax(net(x)), learned by cross-entropy.
    Without settings it is a pool of small nets with different step sizes, p = softmax(Σ wₑ·netₑ(x)) with weights that are
    learned too: nothing needs tuning. Any of hidden, layers, optimizer, norm or dropout makes it a single net instead.
    Cost: proportional to the entries of a sample, whatever the number of names ever seen.

    Parameters
    ----------
    hidden : sequence of int, optional
        Units of each hidden layer of a single net; () for logistic regression.
    activation : str
        Of the hidden layers.
    optimizer : Optimizer or str, optional
        The update rule of a single net; RMSProp(0.003, rho=0.999) without it.
    loss : str or Loss
        "cross_entropy", "binary_cross_entropy" (one output, two classes at most) or "hinge" (its probabilities are scores).
    l1, l2 : float
        Penalty l1·Σ|w| + ½·l2·Σw² on weights.
    dropout : float
        Share of silent units behind each hidden layer while learning.
    norm : str, optional
        "layer" or "batch" normalisation in front of each activation.
    clip_norm, clip_value : float
        Bounds on the gradient of a sample; 0 for none.
    scale : bool
        Whether numbers are standardised as they stream.
    max_rows : int
        Rows the input table may have; beyond it new names share rows, so memory stays bounded.
    layers : sequence of Layer, optional
        The hidden layers themselves, in place of hidden, activation, dropout and norm.
    experts : sequence of Expert, optional
        A pool of one's own: ``nn.Expert(hidden layers, optimizer=…, replays=…)``.
    effort : str
        Of the default pool: "fast", "default" or "accurate".
    label_history : bool
        Mix in how often each class follows the last one: right for a live stream whose answers come at once and in order only.
    diagnosis : bool
        Keep what ``diagnose`` needs, some 270 rows among it, and write it into the file; False leaves no row for it there.
    seed : int
        Of the initial weights and of dropout.
    dtype : str
        "float32" or "float64".

    Raises
    ------
    ConfigError
        For settings that can't be.

    Examples
    --------
    >>> model = Classifier(seed=1)
    >>> for i in range(200):
    ...     x = {"colour": "red" if i % 2 else "blue", "size": i % 7}
    ...     _ = model.predict_one(x)
    ...     model.learn_one(x, "stop" if i % 2 else "go")
    >>> model.predict_one({"colour": "red", "size": 3})
    'stop'

    References
    ----------
    Rumelhart, Hinton & Williams 1986; the interleaved test-then-train protocol: Gama, Sebastião & Rodrigues 2013.
    """

    task = "classify"

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        activation: str = "relu",
        optimizer: str | Optimizer | None = None,
        loss: str | Loss = "cross_entropy",
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        norm: str | None = None,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        scale: bool = True,
        max_rows: int = 200_000,
        layers: Sequence[Layer] | None = None,
        experts: Sequence[Expert] | None = None,
        effort: str = "default",
        label_history: bool = False,
        diagnosis: bool = True,
        seed: int = 0,
        dtype: str = "float32",
    ) -> None:
        self.hidden, self.activation, self.optimizer, self.loss = hidden, activation, optimizer, loss
        self.l1, self.l2, self.dropout, self.norm, self.seed, self.dtype = l1, l2, dropout, norm, seed, dtype
        self.clip_norm, self.clip_value, self.scale, self.max_rows = clip_norm, clip_value, scale, max_rows
        self.layers, self.experts, self.effort = layers, experts, effort
        self.label_history, self.diagnosis = label_history, diagnosis
        self._setup = make_setup(self, ("cross_entropy", "binary_cross_entropy", "hinge"))
        self._binary = self._setup.experts[0].loss.name == "binary_cross_entropy"
        self._sums = self._setup.experts[0].loss.name != "hinge"
        self._engine: Engine | None = None
        self._refused: Counter[str] = Counter()
        self._notes: dict[str, Any] = {}  # of the command line: how it read the rows; kept in the file
        self._health: Any = None  # what is kept for `diagnose`,
        self._look = math.inf  # and the row after which it is to be shown the next one
        self.classes: list[Any] = []
        self._index: dict[Any, int] = {}

    @property
    def _multiclass(self) -> bool:
        return not self._binary

    # ---- one sample -------------------------------------------------------------------------------------------------

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:  # type: ignore[override]  # no **kwargs
        """Predict the probability of each class seen so far; {} before the first.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        dict
            Probability by class; they sum to 1.
        """
        engine = self._engine
        if engine is None:
            return {}
        p = engine.predict_event(x)
        if p is None:
            check_rows([x])
            p = engine.predict([x])[0].tolist()
        p = self._whole(np.array([p], self.dtype))[0].tolist() if self._binary else p
        if self._sums:  # to 1, and not only as far as float32 goes
            whole = sum(p)
            p = [share / whole for share in p]
        return dict(zip(self.classes, p))  # noqa: B905  both have one entry a class; checking costs a fifth of the call

    def predict_one(self, x: Mapping[Any, Any]) -> Any:  # type: ignore[override]  # no **kwargs
        """Predict the class of a sample; None before the first class is known.

        Parameters
        ----------
        x : dict
            The sample.

        Returns
        -------
        hashable or None
            The most probable class, of equal ones the first seen.
        """
        p = self.predict_proba_one(x)
        return max(p, key=p.__getitem__) if p else None

    def learn_one(self, x: Mapping[Any, Any], y: Hashable, w: float = 1.0) -> None:
        """Learn one sample; it is ``learn_many`` of one row.

        Parameters
        ----------
        x : dict
            The sample.
        y : hashable
            Its class.
        w : float
            Its weight: its gradient is multiplied by it; 0 adds its names and teaches nothing.
        """
        index = self._index.get(y) if type(y) in _PLAIN and (type(w) is float or type(w) is int) else None
        engine = self._engine
        if index is None or engine is None or not 0 < w <= HEAVIEST or not engine.learn_event(x, index, w):
            self.step_many([x], [y], [w])
        elif engine.learned >= self._look:
            p = self._whole(engine.program.event_out[None])[0].tolist()
            top = max(p)
            self._health.look(self, x, y, self.classes[p.index(top)], p[index], top)

    # ---- many samples -----------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None) -> NDArray[Any]:
        """Learn rows strictly one by one, and return the prediction made before each was learned.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Samples; the columns of an array are named x0, x1, …
        y : sequence (n,)
            Classes.
        w : sequence (n,), optional
            Weights.

        Returns
        -------
        ndarray (n,)
            Classes; None where none was known yet.
        """
        return as_labels(list(self.step_many(X, y, w).y_pred))

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Predict the class of each row, shape (n,); nothing is changed."""
        return as_labels(list(self.forecast(X).y_pred))

    def predict_proba_many(self, X: Any) -> NDArray[Any]:
        """Predict probabilities, shape (n, k), one column a class in the order of ``classes``; nothing is changed."""
        return self._proba(X)

    def forecast(self, X: Any) -> Forecast:
        """Predict labels and probabilities of rows, given as in ``learn_many``; nothing is changed."""
        return join_stretches(self.classes, self.dtype, [self._proba(X)])

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Forecast:
        """Predict and learn rows in turn: predict row i of ``ask`` (of X without it), then learn row i of X.

        Parameters
        ----------
        X, y, w
            As in ``learn_many``.
        ask : like X, optional
            As many rows (any number, if none are learned), to be predicted in lock-step: how late answers are learned. What
            the experts say of them is kept, and the mixture learns from that once their answers come.

        Returns
        -------
        Forecast
            For each row what was predicted before anything later was learned.
        """
        y = as_answers(y)
        n = check_pairs(X, y, ask)
        labels = y.tolist() if isinstance(y, np.ndarray) else list(y)
        weights, weighed = check_weights(w, n, self._refused)
        good = check_labels(labels, self._refused) & weighed

        def learn(part: slice) -> Forecast:
            return join_stretches(self.classes, self.dtype, self._stretches(X, labels, good, weights, part, ask))

        if ask is not None:
            return learn(slice(0, n)) if n else join_stretches(self.classes, self.dtype, [self._proba(ask, kept=True)])
        from .watch.health import watched

        return watched(self, X, labels, good, learn)

    def _stretches(self, X: Any, labels: list[Any], good: Any, w: Any, part: slice, ask: Any) -> list[NDArray[Any]]:
        """Learn rows, cut at each new class, whose first row is predicted without it; returns probabilities."""
        done: list[NDArray[Any]] = []
        for stretch, new in stretches(labels, good, self._index, part):
            if new:
                done.append(self._proba(rows_of(X if ask is None else ask, stretch)))
                self._add_class(labels[stretch.start])
            out = self._learn(X, labels, good, w, stretch, None if new else ask, new and ask is not None)
            done += [] if new else [out]
        return done

    def _learn(
        self, X: Any, labels: list[Any], good: NDArray[Any], w: NDArray[Any], part: slice, ask: Any, unheard: bool
    ) -> NDArray[Any]:
        """Learn a stretch of rows without a new class; returns probabilities."""
        if self._engine is None:  # no class yet: nothing to predict, nothing to learn
            return np.empty((part.stop - part.start, 0))
        known = labels[part]
        if not good[part].all():
            known = [
                label if right else self.classes[0] for label, right in zip(known, good[part].tolist(), strict=True)
            ]
        answers = np.fromiter(map(self._index.__getitem__, known), np.float64, len(known))
        question = None if ask is None else rows_of(ask, part)
        ready = (answers[:, None], w[part], good[part], question, unheard)
        return self._whole(self._engine.learn(rows_of(X, part), *ready))

    def _add_class(self, label: Any) -> None:
        """Append a class; its output starts at zero with the bias of a rare class."""
        k = len(self.classes) + 1
        if self._binary and k > 2:
            raise third_class(self.classes, label)
        if self._engine is None:
            self._engine = Engine(self._setup, 1)
        elif not self._binary:
            self._engine.grow_outputs(k, max(-math.log(self._engine.learned + k), RARE))
        self.classes.append(label)
        self._index[label] = k - 1

    def _proba(self, X: Any, *, kept: bool = False) -> NDArray[Any]:
        """Probabilities (n, classes so far) of rows; of rows whose answers will come, what is said is kept."""
        n = check_rows(X)
        if self._engine is None:
            return np.empty((n, 0))
        return self._whole(self._engine.ask(X) if kept else self._engine.predict(X))

    def _whole(self, p: NDArray[Any]) -> NDArray[Any]:
        return both(p, len(self.classes)) if self._binary else p

    def __repr__(self) -> str:
        return shown(self)

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        return cloned(self, new_params, include_attributes)

    def _get_params(self) -> dict[str, Any]:
        return params_of(self)

    # ---- state ------------------------------------------------------------------------------------------------------

    @property
    def n_learned(self) -> int:
        """How many rows were learned."""
        return 0 if self._engine is None else self._engine.learned

    @property
    def rejected(self) -> dict[str, int]:
        """Refused rows, dropped values and undone steps so far, by reason (``guards.REASONS``)."""
        return merged(self._refused, self._engine)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """What each expert is and how it stands: weight in the mixture, fading loss, steps taken and undone, times renewed."""
        return [] if self._engine is None else self._engine.experts()

    def describe(self) -> dict[str, Any]:
        """Say what the model is: layers with shapes and parameter counts, optimizer, features, classes, rows learned.

        Returns
        -------
        dict
            JSON-able, but for class labels.
        """
        about = describe(self._setup, self._engine)
        return {"task": self.task, "classes": list(self.classes), **about, "rejected": self.rejected}

    def explain_one(
        self, x: Mapping[Any, Any], *, target: Any = None, method: str = "integrated_gradients", of: str = "proba"
    ) -> Any:
        """Say how much each feature, by name, moved one prediction: ``headwater.explain.explain_one``."""
        from .explain import explain_one

        return explain_one(self, x, target=target, method=method, of=of)

    def importance(self, method: str = "ipfi") -> dict[Any, float]:
        """Say how much each feature matters now: ``headwater.explain.importance``."""
        from .explain import importance

        return importance(self, method)

    def diagnose(self) -> Any:
        """Say what is wrong, with evidence and remedy: ``headwater.diagnose.diagnose``."""
        from .diagnose import diagnose

        return diagnose(self)

    def save(self, path: Any) -> None:
        """Write the model to a file: safetensors with a JSON header, all or nothing.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        """
        from .store.format import save

        save(self, path)

    def export_onnx(self, path: Any, *, opset: int = 17, array: bool = False) -> None:
        """Write the model as it predicts now to an ONNX file, preprocessing included; see ``store.export_onnx``.

        Parameters
        ----------
        path : str or Path
            The file; what it held is replaced.
        opset : int
            Version of ONNX's operators.
        array : bool
            For a learner that was taught arrays: one input X (N, d) in place of one a column.
        """
        from .store.export_onnx import export_onnx

        export_onnx(self, path, opset=opset, array=array)
