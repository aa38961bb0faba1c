"""Diagonal linear recurrence with exact gradients by real-time recurrent learning, without storing the past.

Unit k holds a complex number h that rotates and decays, and adds w = (U + iV)·x of each row:

    λ = r·e^{iθ},  r = exp(−e^ν),  θ = e^ϑ,  γ = √(1 − r²)
    h ← λ^Δt·h + γ·w

Δt is the time since the row before; 1 where rows are time steps. The layers above read [Re h, Im h]. Since λ is diagonal,
units don't mix, so the derivative of h by each weight can be carried forward beside it (real-time recurrent learning), at a
cost independent of the length of the past. With h on the right the previous state:

    s_ν ← λ^Δt·s_ν − e^ν·Δt·λ^Δt·h + (e^ν·r²/γ)·w          ∂h/∂ν
    s_ϑ ← λ^Δt·s_ϑ + iθ·Δt·λ^Δt·h                          ∂h/∂ϑ
    e_kj ← λ_k^Δt·e_kj + γ_k·x_j                            ∂h_k/∂U_kj;  ∂h_k/∂V_kj = i·e_kj

With c = ∂L/∂Re h − i·∂L/∂Im h of the current row, the gradients are Re(c·s_ν), Re(c·s_ϑ), Re(c·e), Re(i·c·e). Summed over a
sequence with constant weights, they equal backpropagation through time. In a stream the weights change a little between rows,
and the carried derivatives belong to slightly older weights.

References
----------
Williams & Zipser 1989 (real-time recurrent learning); Orvieto et al. 2023 (linear recurrent units); Zucchet, Meier, Schug,
Mujika & Sacramento 2023 (exact gradients online).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["Memory"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


@dataclass
class Memory:
    """State of a recurrence, and its derivative by each weight.

    Parameters
    ----------
    U, V : ndarray (inputs, units)
        Input weights, w = x·(U + iV).
    nu, theta : ndarray (units,)
        ν and ϑ.

    Examples
    --------
    >>> memory = Memory(np.ones((1, 1)), np.zeros((1, 1)), nu=np.log([0.5]), theta=np.log([1e-6]))
    >>> for x in (1.0, 0.0, 0.0):
    ...     features = memory.read(np.array([x]))
    >>> features.round(3)  # 0.795·e^(−0.5·2)
    array([0.292, 0.   ])
    """

    U: Array
    V: Array
    nu: Array
    theta: Array
    h: Complex = field(init=False)
    s_nu: Complex = field(init=False)
    s_theta: Complex = field(init=False)
    e: Complex = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset the state to h = 0."""
        self.h = np.zeros(len(self.nu), complex)
        self.s_nu, self.s_theta = np.zeros_like(self.h), np.zeros_like(self.h)
        self.e = np.zeros(self.U.shape, complex)

    def read(self, x: Array, gap: float = 1.0) -> Array:
        """Update by a row x (inputs,) at Δt after the one before, and return [Re h, Im h] (2·units,)."""
        decay, angle = np.exp(self.nu), np.exp(self.theta)
        square = np.exp(-2 * decay)
        gamma = np.sqrt(1 - square)
        turned = np.exp((1j * angle - decay) * gap)
        w, faded = x @ (self.U + 1j * self.V), turned * self.h
        self.s_nu = turned * self.s_nu - decay * gap * faded + decay * square / gamma * w
        self.s_theta = turned * self.s_theta + 1j * angle * gap * faded
        self.e = turned * self.e + gamma * x[:, None]
        self.h = faded + gamma * w
        return np.concatenate([self.h.real, self.h.imag])

    def gradients(self, delta: Array) -> tuple[Array, Array, Array, Array]:
        """Return ∂L by U, V, ν and ϑ from delta (2·units,), the derivative by the last result of ``read``."""
        units = len(self.nu)
        c = delta[:units] - 1j * delta[units:]
        return (c * self.e).real, (1j * c * self.e).real, (c * self.s_nu).real, (c * self.s_theta).real
