"""The state of a private learner: weights that anyone may see, and secrets that hide each row in them.

Rows wait until a step is full. Its sum of clipped gradients and noise moves the weights, so nothing that can be asked of the learner
changes between two steps. The noise's key, the noise so far and the waiting rows are secret: a store keeps them, a model file does
not. A learner that goes on from a file begins another sequence of noise, and the rows that waited are lost to it.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater import _core
from headwater.errors import ConfigError
from headwater.learner.settings.limits import Growth, Limits
from headwater.privacy.accountant import HORIZON, OMEGA, THETA, noise_multiplier, sensitivity
from headwater.privacy.settings import Privacy

from .entries import Entries, Rows

__all__ = ["SECRET", "PrivateEngine"]

_GRID = float(1 << 20)
_ROUNDING = 1.001
"""What rounding a sum to the grid may add to what a row adds, generously."""
_KEY_BYTES = 32
_NORMALS_A_BLOCK = 8
_USERS = 1 << 20
"""Counters of users' rows. Users that share one are dropped sooner, never later."""
SECRET = (
    "secret_key",
    "secret_counts",
    "secret_noise",
    "waiting_features",
    "waiting_values",
    "waiting_ends",
    "waiting_y",
    "waiting_w",
    "users",
)
"""Arrays that a store keeps and a model file does not."""


def new_key() -> NDArray[np.uint8]:
    """Return a secret key from the operating system."""
    return np.frombuffer(secrets.token_bytes(_KEY_BYTES), np.uint8).copy()


class PrivateEngine:
    """Weights (features, outputs) of a linear model, and what hides each row in them.

    Parameters
    ----------
    privacy : Privacy
        The promise.
    classes : bool
        Whether outputs are scores of the second and later classes, or one number.
    state : mapping, optional
        Arrays of a saved learner.
    """

    def __init__(self, privacy: Privacy, *, classes: bool, state: Mapping[str, NDArray[Any]] | None = None) -> None:
        self.privacy, self.of_classes = privacy, classes
        self.entries = Entries(privacy)
        self.rows_a_step, self.norm, self.rate = privacy.sizes(classes=classes)
        self.sigma = noise_multiplier(privacy.epsilon, privacy.delta)
        twice = 2.0 if privacy.adjacency == "replace" else 1.0
        self.noise_scale = _ROUNDING * self.sigma * self.norm * sensitivity() * privacy.participations * twice
        """Standard deviation of the white noise that the noise of each weight is made of."""
        self._begin(0 if classes else 1)
        if state:
            self._resume(state)

    def _begin(self, outputs: int) -> None:
        self.weights = np.zeros((self.entries.features, outputs))
        self.numbers = np.zeros(2, np.int64)  # rows learned, steps
        self._begin_secrets()

    def _begin_secrets(self) -> None:
        """Begin a sequence of noise that is independent of all before."""
        self._key = new_key()
        self._noise = np.zeros((len(THETA), *self.weights.shape))
        self._waiting: list[tuple[list[tuple[int, float]], float, float]] = []
        self.users = np.zeros(_USERS if self.privacy.unit == "user" else 0, np.uint8)
        self.hidden_counts = np.zeros(
            2, np.int64
        )  # blocks of the cipher that were used, rows beyond their users' limits
        self.closed = False

    # ---- rows -------------------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.weights.shape[1]

    @property
    def room(self) -> int:
        """Rows until the step is full."""
        return self.rows_a_step - len(self._waiting)

    def predict(self, rows: Rows) -> NDArray[np.float64]:
        """Return the classes' probabilities (n, k), or numbers (n, 1)."""
        out = np.zeros((len(rows), self.outputs + (1 if self.of_classes else 0)))
        _core.entries_predict(self.weights, self.outputs, self.of_classes, rows.features, rows.values, rows.ends, out)
        return out

    def take(self, row: list[tuple[int, float]], y: float, w: float, user: Any) -> None:
        """Let a row wait for its step, and step when it is full. Rows beyond a user's limit teach nothing.

        Raises
        ------
        ConfigError
            If the learner comes from a file that doesn't know which users were learned.
        """
        if self.closed:
            raise ConfigError(
                expected="a learner that knows how many rows of each user it has learned",
                got="one from a model file, which holds no secrets",
                at="learning with unit='user'",
                help="Go on in the store (headwater.open) that has learned it, or begin anew.",
            )
        if self.privacy.unit == "user" and not self._counted(user):
            w = 0.0
        self.numbers[0] += 1
        self._waiting.append((row if w else [], y, w))
        if self.room <= 0:
            self._step()

    def _counted(self, user: Any) -> bool:
        """Count a row of a user, and return whether it may be learned."""
        digest = hashlib.blake2b(repr(user).encode("utf-8", "surrogatepass"), digest_size=8, key=self._key.tobytes())
        at = int.from_bytes(digest.digest(), "little") % _USERS
        if self.users[at] >= self.privacy.rows_per_user:
            self.hidden_counts[1] += 1
            return False
        self.users[at] += 1
        return True

    def _step(self) -> None:
        """Move the weights by the waiting rows' clipped gradients and the noise, all on one grid."""
        rows = Rows.of([row for row, _, _ in self._waiting])
        sums = np.zeros_like(self.weights)
        _core.entries_gradient(
            self.weights,
            self.outputs,
            self.of_classes,
            self.norm,
            rows.features,
            rows.values,
            rows.ends,
            np.array([y for _, y, _ in self._waiting]),
            np.array([w for _, _, w in self._waiting]),
            sums,
        )
        noise = np.rint(self.next_noise() * (self.noise_scale * _GRID))
        self.weights = self.weights - (self.rate / _GRID) * (np.rint(sums * _GRID) + noise)
        self._waiting.clear()
        self.numbers[1] += 1
        if self.numbers[1] % HORIZON == 0:
            self._noise[:] = 0.0

    def next_noise(self) -> NDArray[np.float64]:
        """Return the next step of C⁻¹z for each weight."""
        out = np.empty(self.weights.size)
        _core.secret_normals(self._key, int(self.hidden_counts[0]), out)
        self.hidden_counts[0] += math.ceil(len(out) / _NORMALS_A_BLOCK)
        x = out.reshape(self.weights.shape)
        for omega, past in zip(OMEGA, self._noise, strict=True):
            x = x - omega * past
        for theta, past in zip(THETA, self._noise, strict=True):
            past *= theta
            past += x
        return x

    def add_output(self, first: float) -> None:
        """Add an output, whose constant begins at ``first``."""
        fresh = np.zeros((len(self.weights), 1))
        fresh[0] = first if self.privacy.intercept else 0.0
        self.weights = np.hstack([self.weights, fresh])
        self._noise = np.concatenate([self._noise, np.zeros((len(THETA), len(fresh), 1))], axis=2)

    # ---- what every engine has --------------------------------------------------------------------------------------

    @property
    def learned(self) -> int:
        """Number of rows learned."""
        return int(self.numbers[0])

    @property
    def columns(self) -> dict[Any, Any]:
        """Nothing, since which names there were is not kept."""
        return {}

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of dropped values, by reason."""
        return {}

    def knows(self, name: Any) -> bool:
        """Return whether there may be a column with this name."""
        return True

    def set_limits(self, limits: Limits) -> None:
        """Nothing grows."""

    def growth_of(self, X: Any, new_classes: int = 0) -> Growth:
        """Return what learning rows X and new classes would add."""
        size = len(X) * 64 + new_classes * len(self.weights) * 8 * (1 + len(THETA))
        return Growth(0, 0, new_classes, 0, size)

    def experts(self) -> list[dict[str, Any]]:
        """Nothing, since it is a single model."""
        return []

    @contextmanager
    def held(self) -> Iterator[None]:
        """Exclude nobody besides the learner's own lock."""
        yield

    def state(self, without: tuple[str, ...] = ()) -> dict[str, NDArray[Any]]:
        """Return copies of all learned arrays by name, except those in ``without``."""
        rows = Rows.of([row for row, _, _ in self._waiting])
        found: dict[str, NDArray[Any]] = {
            "weights": self.weights.copy(),
            "numbers": self.numbers.copy(),
            "secret_key": self._key.copy(),
            "secret_counts": self.hidden_counts.copy(),
            "secret_noise": self._noise.copy(),
            "waiting_features": rows.features,
            "waiting_values": rows.values,
            "waiting_ends": rows.ends,
            "waiting_y": np.array([y for _, y, _ in self._waiting], np.float64),
            "waiting_w": np.array([w for _, _, w in self._waiting], np.float64),
            "users": self.users.copy(),
        }
        return {name: array for name, array in found.items() if name not in without}

    def _resume(self, state: Mapping[str, NDArray[Any]]) -> None:
        weights, numbers = np.array(state["weights"], np.float64), np.array(state["numbers"], np.int64)
        if weights.ndim != 2 or len(weights) != self.entries.features or not np.isfinite(weights).all():
            raise ValueError("weights", f"{self.entries.features} rows of finite numbers", weights.shape)
        if numbers.shape != (2,) or (numbers < 0).any():
            raise ValueError("numbers", "two counts", numbers)
        self.weights, self.numbers = weights, numbers
        if "secret_key" not in state:
            self._begin_secrets()
            self.closed = self.privacy.unit == "user"
            return
        self._key, self._noise = np.array(state["secret_key"], np.uint8), np.array(state["secret_noise"], np.float64)
        self.users, self.hidden_counts = np.array(state["users"], np.uint8), np.array(state["secret_counts"], np.int64)
        y, w = (np.array(state[f"waiting_{name}"], np.float64) for name in ("y", "w"))
        ends = np.array(state["waiting_ends"], np.int64)
        features, values = state["waiting_features"], state["waiting_values"]
        fits = (
            self._key.shape == (_KEY_BYTES,)
            and self._noise.shape == (len(THETA), *weights.shape)
            and bool(np.isfinite(self._noise).all())
            and self.hidden_counts.shape == (2,)
            and bool((self.hidden_counts >= 0).all())
            and self.users.shape == (_USERS if self.privacy.unit == "user" else 0,)
            and len(y) == len(w) == len(ends) < self.rows_a_step
            and len(features) == len(values) == (int(ends[-1]) if len(ends) else 0)
            and bool((np.diff(ends, prepend=0) >= 0).all())
            and (not len(features) or 0 <= int(features.min()) <= int(features.max()) < self.entries.features)
            and all(bool(np.isfinite(one).all()) for one in (y, w, values))
        )
        if not fits:
            raise ValueError("secrets", "those of this learner", "others")
        pairs = list(zip(features.tolist(), values.tolist(), strict=True))
        starts = [0, *ends.tolist()]
        self._waiting = [(pairs[starts[i] : starts[i + 1]], float(y[i]), float(w[i])) for i in range(len(ends))]

    def counts(self) -> dict[str, int]:
        """Return counters kept outside the state, for a file's header."""
        return {}

    def resume_counts(self, counts: Mapping[str, int]) -> None:
        """Restore counters from ``counts``, of which there are none."""

    def begin_copy(self) -> None:
        """Copy everything at once, since it is small."""
