"""The kernels again in plain NumPy, each written from its formula: the teaching twin, and what every kernel is
tested against.

Nothing is imported from headwater and nothing is fast. A batch X is (n, inputs), one row a sample; ``dX`` always means
∂loss/∂X. Read it from the top: activations, layers, losses, a net of them, update rules, schedules, and what one
row of a stream does.
"""

from __future__ import annotations

import math

import numpy as np

# ---- activations: name → f(x, a) and its slope f'(x, a); a is the activation's own constant -------------------------


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))


def normal_density(x):
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772  # SELU's, which make mean 0 and variance 1 a fixed point

ACTIVATIONS = {
    "identity": (lambda x, a: x, lambda x, a: np.ones_like(x)),
    "relu": (lambda x, a: np.maximum(x, 0), lambda x, a: np.where(x > 0, 1.0, 0.0)),
    "leaky_relu": (lambda x, a: np.where(x > 0, x, a * x), lambda x, a: np.where(x > 0, 1.0, a)),
    "sigmoid": (lambda x, a: sigmoid(x), lambda x, a: sigmoid(x) * sigmoid(-x)),
    "tanh": (lambda x, a: np.tanh(x), lambda x, a: 1 / np.cosh(x) ** 2),
    "elu": (lambda x, a: np.where(x > 0, x, a * np.expm1(x)), lambda x, a: np.where(x > 0, 1.0, a * np.exp(x))),
    "selu": (
        lambda x, a: LAMBDA * np.where(x > 0, x, ALPHA * np.expm1(x)),
        lambda x, a: LAMBDA * np.where(x > 0, 1.0, ALPHA * np.exp(x)),
    ),
    "gelu": (lambda x, a: x * normal_cdf(x), lambda x, a: normal_cdf(x) + x * normal_density(x)),
    "silu": (lambda x, a: x * sigmoid(x), lambda x, a: sigmoid(x) * (1 + x * sigmoid(-x))),
    "softplus": (lambda x, a: np.logaddexp(0, x), lambda x, a: sigmoid(x)),
    "hard_tanh": (lambda x, a: np.clip(x, -1, 1), lambda x, a: np.where(np.abs(x) < 1, 1.0, 0.0)),
}

# ---- layers: forward keeps what backward needs; backward returns dX and leaves the parameters' gradients -------------
# mode is "predict" (nothing moves), "batch" (learning from a mini-batch) or "row" (learning from one sample).


class Layer:
    parameters: tuple = ()
    penalised: tuple = ()  # which parameters are weights: these decay, biases don't
    gradients: tuple = ()


class Dense(Layer):
    """Y = X·W + b."""

    def __init__(self, W, b=None):
        self.parameters = (W,) if b is None else (W, b)
        self.penalised = (True, False)[: len(self.parameters)]

    def forward(self, X, mode):
        self.X = np.nan_to_num(X, nan=0.0)  # a missing value contributes nothing
        return self.X @ self.parameters[0] + (self.parameters[1] if len(self.parameters) > 1 else 0)

    def backward(self, dY):
        self.gradients = (self.X.T @ dY, dY.sum(axis=0))[: len(self.parameters)]
        return dY @ self.parameters[0].T


class Embedding(Layer):
    """Y = Σ W[id] over the ids of a sample."""

    penalised = (True,)

    def __init__(self, W):
        self.parameters = (W,)

    def forward(self, X, mode):
        self.ids = X.astype(int)
        return self.parameters[0][self.ids].sum(axis=1)

    def backward(self, dY):
        dW = np.zeros_like(self.parameters[0])
        for ids, dy in zip(self.ids, dY, strict=True):
            for i in ids:
                dW[i] += dy
        self.gradients = (dW,)


class Activation(Layer):
    """Y = f(X)."""

    def __init__(self, name, a=0.0):
        (self.f, self.slope), self.a = ACTIVATIONS[name], a

    def forward(self, X, mode):
        self.X = X
        return self.f(X, self.a)

    def backward(self, dY):
        return dY * self.slope(self.X, self.a)


class Dropout(Layer):
    """Y = X·k/(1 − rate), k = 0 with probability rate: only while learning, from the random numbers of ``draw``."""

    def __init__(self, rate, state):
        self.rate, self.state = rate, state

    def draw(self):
        """Marsaglia's multiply-with-carry: low half × multiplier + high half; the new low half is the number."""
        low, high = self.state[0] & 0xFFFFFFFF, self.state[0] >> 32
        self.state[0] = 698769069 * low + high
        return (self.state[0] & 0xFFFFFFFF) / 2**32

    def forward(self, X, mode):
        self.mask = np.ones_like(X)
        if mode == "predict":
            return X
        kept = [[self.draw() >= self.rate for _ in row] for row in X]
        self.mask = np.array(kept) / (1 - self.rate)
        return X * self.mask

    def backward(self, dY):
        return dY * self.mask


class LayerNorm(Layer):
    """Y = g·(X − mean)/√(var + ε) + b over the units of one sample."""

    penalised = (False, False)

    def __init__(self, gain=None, shift=None, eps=1e-5):
        self.parameters = () if gain is None else (gain, shift)
        self.eps = eps

    def forward(self, X, mode):
        self.sd = np.sqrt(X.var(axis=1, keepdims=True) + self.eps)
        self.xhat = (X - X.mean(axis=1, keepdims=True)) / self.sd
        return self.xhat * self.parameters[0] + self.parameters[1] if self.parameters else self.xhat

    def backward(self, dY):
        if self.parameters:
            self.gradients = ((dY * self.xhat).sum(axis=0), dY.sum(axis=0))
            dY = dY * self.parameters[0]
        along = (dY * self.xhat).mean(axis=1, keepdims=True)
        return (dY - dY.mean(axis=1, keepdims=True) - self.xhat * along) / self.sd


class BatchNorm(Layer):
    """Y = g·(X − μ)/√(σ² + ε) + b, μ and σ² of each unit: of the batch, else (row by row, to predict) running."""

    penalised = (False, False)

    def __init__(self, gain, shift, momentum=0.1, eps=1e-5):
        self.parameters = (gain, shift)
        self.momentum, self.eps = momentum, eps
        self.mean, self.var, self.count = np.zeros_like(gain), np.ones_like(gain), 0

    def forward(self, X, mode):
        self.mode = mode
        mean, var = self.mean, self.var
        if mode == "batch":
            mean, var = X.mean(axis=0), X.var(axis=0)
            unbiased = X.var(axis=0, ddof=1) if len(X) > 1 else self.var
            self.mean = self.mean + self.momentum * (mean - self.mean)
            self.var = self.var + self.momentum * (unbiased - self.var)
            self.count += 1
        elif mode == "row":  # the row moves the running statistics first, the first ones farther than those to come
            self.count += 1
            a = max(1 / (self.count + 9), self.momentum * 0.01)
            d = X[0] - self.mean
            mean = self.mean = self.mean + a * d
            var = self.var = (1 - a) * (self.var + a * d * d)
        self.sd = np.sqrt(var + self.eps)
        self.xhat = (X - mean) / self.sd
        return self.xhat * self.parameters[0] + self.parameters[1]

    def backward(self, dY):
        self.gradients = ((dY * self.xhat).sum(axis=0), dY.sum(axis=0))
        dY = dY * self.parameters[0]
        if self.mode == "batch":  # μ and σ² depend on X too
            dY = dY - dY.mean(axis=0) - self.xhat * (dY * self.xhat).mean(axis=0)
        return dY / self.sd


# ---- losses: name → link, value and gradient by the logits; z, y (n, k), one number a sample
# --------------------------


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    top = z.max(axis=1, keepdims=True)
    return z - top - np.log(np.exp(z - top).sum(axis=1, keepdims=True))


def identity(z):
    return z


def _mean(gradient):  # a loss over k outputs is their mean
    return gradient / gradient.shape[1]


LOSSES = {
    "mse": (identity, lambda z, y, a: (a * (z - y) ** 2).mean(axis=1), lambda z, y, a: _mean(2 * a * (z - y))),
    "mae": (identity, lambda z, y, a: np.abs(z - y).mean(axis=1), lambda z, y, a: _mean(np.sign(z - y))),
    "huber": (
        identity,
        lambda z, y, a: np.where(np.abs(z - y) <= a, 0.5 * (z - y) ** 2, a * (np.abs(z - y) - 0.5 * a)).mean(axis=1),
        lambda z, y, a: _mean(np.clip(z - y, -a, a)),
    ),
    "binary_cross_entropy": (
        sigmoid,
        lambda z, y, a: (y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)).mean(axis=1),
        lambda z, y, a: _mean(sigmoid(z) - y),
    ),
    "cross_entropy": (
        softmax,
        lambda z, y, a: -(y * log_softmax(z)).sum(axis=1),
        lambda z, y, a: softmax(z) * y.sum(axis=1, keepdims=True) - y,
    ),
    "hinge": (
        identity,
        lambda z, y, a: np.maximum(0, 1 - (2 * y - 1) * z).mean(axis=1),
        lambda z, y, a: _mean(np.where((2 * y - 1) * z < 1, 1 - 2 * y, 0.0)),
    ),
    "poisson": (np.exp, lambda z, y, a: (np.exp(z) - y * z).mean(axis=1), lambda z, y, a: _mean(np.exp(z) - y)),
    "quantile": (
        identity,
        lambda z, y, a: np.where(y > z, a * (y - z), (1 - a) * (z - y)).mean(axis=1),
        lambda z, y, a: _mean(np.where(y > z, -a, 1 - a)),
    ),
}


def one_hot(classes, k):
    return np.eye(k)[np.asarray(classes, int)]


# ---- a net
# ------------------------------------------------------------------------------------------------------------


class Net:
    """Layers one after the other, a loss, and the penalty l1·Σ|w| + ½·l2·Σw² on weights."""

    def __init__(self, layers, loss, a=0.0, l1=0.0, l2=0.0):
        self.layers, self.a, self.l1, self.l2 = layers, a, l1, l2
        self.link, self.value, self.slope = LOSSES[loss]

    def logits(self, X, mode="predict"):
        for layer in self.layers:
            X = layer.forward(X, mode)
        return X

    def forward(self, X):
        return self.link(self.logits(X))

    def loss(self, X, y, w=None, mode="predict"):
        w = np.ones(len(X)) if w is None else w
        return (w * self.value(self.logits(X, mode), y, self.a)).sum() / w.sum() + self.penalty()

    def penalty(self):
        return sum(
            self.l1 * np.abs(p).sum() + 0.5 * self.l2 * (p * p).sum() for p, weight in self.parameters() if weight
        )

    def parameters(self):
        """Every array that is learned, and whether it is penalised."""
        return [
            pair
            for layer in self.layers
            for pair in zip(layer.parameters, layer.penalised, strict=bool(layer.parameters))
        ]

    def gradients(self, X, y, w=None, mode="predict", mean=True):
        """Backpropagation: gradients of the loss, without the penalty, in the order of ``parameters``."""
        w = np.ones(len(X)) if w is None else w
        d = self.slope(self.logits(X, mode), y, self.a) * w[:, None] / (w.sum() if mean else 1)
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return [g for layer in self.layers for g in layer.gradients]

    def penalty_gradients(self):
        return [self.l2 * p + self.l1 * np.sign(p) if weight else np.zeros_like(p) for p, weight in self.parameters()]


# ---- update rules: name → the new w; s holds the rule's states, zeros at first; t = 1 at the first step
# ----------------


def sgd(w, g, s, t, lr):
    return w - lr * g


def momentum(w, g, s, t, lr, mu):
    s[0] = mu * s[0] + g
    return w - lr * s[0]


def nesterov(w, g, s, t, lr, mu):
    s[0] = mu * s[0] + g
    return w - lr * (g + mu * s[0])


def adagrad(w, g, s, t, lr, eps):
    s[0] = s[0] + g**2
    return w - lr * g / (np.sqrt(s[0]) + eps)


def rmsprop(w, g, s, t, lr, rho, eps):
    s[0] = rho * s[0] + (1 - rho) * g**2
    return w - lr * g / (np.sqrt(s[0]) + eps)


def adadelta(w, g, s, t, lr, rho, eps):
    s[0] = rho * s[0] + (1 - rho) * g**2
    step = np.sqrt(s[1] + eps) / np.sqrt(s[0] + eps) * g
    s[1] = rho * s[1] + (1 - rho) * step**2
    return w - lr * step


def adam(w, g, s, t, lr, beta1, beta2, eps):
    s[0] = beta1 * s[0] + (1 - beta1) * g
    s[1] = beta2 * s[1] + (1 - beta2) * g**2
    return w - lr * s[0] / (1 - beta1**t) / (np.sqrt(s[1] / (1 - beta2**t)) + eps)


def adamw(w, g, s, t, lr, beta1, beta2, eps, weight_decay, weight=True):
    """Biases don't decay: ``weight`` is False for them."""
    return adam(w * (1 - lr * weight_decay * weight), g, s, t, lr, beta1, beta2, eps)


def amsgrad(w, g, s, t, lr, beta1, beta2, eps):
    s[0] = beta1 * s[0] + (1 - beta1) * g
    s[1] = beta2 * s[1] + (1 - beta2) * g**2
    s[2] = np.maximum(s[2], s[1])
    return w - lr * s[0] / (1 - beta1**t) / (np.sqrt(s[2] / (1 - beta2**t)) + eps)


def nadam(w, g, s, t, lr, beta1, beta2, eps, psi, clock=None):
    """``clock``: the steps of the whole net, which set μ, where a row has its own count t."""
    clock = t if clock is None else clock
    mus = [beta1 * (1 - 0.5 * 0.96 ** (i * psi)) for i in range(1, clock + 2)]
    s[0] = beta1 * s[0] + (1 - beta1) * g
    s[1] = beta2 * s[1] + (1 - beta2) * g**2
    ahead = mus[clock] * s[0] / (1 - np.prod(mus)) + (1 - mus[clock - 1]) * g / (1 - np.prod(mus[:clock]))
    return w - lr * ahead / (np.sqrt(s[1] / (1 - beta2**t)) + eps)


def ftrl(w, g, s, t, lr, beta, l1, l2):
    """z starts where the closed form gives the initial weight back (the paper starts all weights at 0)."""
    fresh = (s[1] == 0) & (g != 0)
    s[0] = np.where(fresh, -w * (beta / lr + l2) - l1 * np.sign(w), s[0])
    sigma = (np.sqrt(s[1] + g**2) - np.sqrt(s[1])) / lr
    s[0] = s[0] + g - sigma * w
    s[1] = s[1] + g**2
    new = -(s[0] - np.sign(s[0]) * l1) / ((beta + np.sqrt(s[1])) / lr + l2)
    return np.where(s[1] == 0, w, np.where(np.abs(s[0]) <= l1, 0.0, new))


def cocob(w, g, s, t, lr, alpha):
    """L, A, R, θ, w₀: the largest |g|, the sum of |g|, the reward, minus the sum of g, and where the bets started."""
    fresh = s[0] == 0
    s[4] = np.where(fresh, w, s[4])
    s[0] = np.maximum(np.where(fresh, 1e-8, s[0]), np.abs(g))
    s[1] = s[1] + np.abs(g)
    s[2] = np.maximum(s[2] - (w - s[4]) * g, 0)
    s[3] = s[3] - g
    return s[4] + s[3] / (s[0] * np.maximum(s[1] + s[0], alpha * s[0])) * (s[0] + s[2])


RULES = {
    "sgd": (sgd, 0),
    "momentum": (momentum, 1),
    "nesterov": (nesterov, 1),
    "adagrad": (adagrad, 1),
    "rmsprop": (rmsprop, 1),
    "adadelta": (adadelta, 2),
    "adam": (adam, 2),
    "adamw": (adamw, 2),
    "amsgrad": (amsgrad, 3),
    "nadam": (nadam, 2),
    "ftrl": (ftrl, 2),
    "cocob": (cocob, 5),
}
"""Each rule, and how many states it keeps for a number."""

# ---- schedules: name → the step size at step t ----------------------------------------------------------------------

SCHEDULES = {
    "Constant": lambda t, lr: lr,
    "InverseScaling": lambda t, lr, power: lr / t**power,
    "Cosine": lambda t, lr, steps, floor: (
        floor + (lr - floor) * (1 + math.cos(math.pi * min(t - 1, steps) / steps)) / 2
    ),
    "Step": lambda t, lr, every, factor: lr * factor ** ((t - 1) // every),
    "WarmUp": lambda t, lr, steps: lr * min(t, steps) / steps,
}

# ---- learning
# ---------------------------------------------------------------------------------------------------------


class Descent:
    """A net, its rule and its clipping: one step from a batch, or the steps of a stream of rows."""

    def __init__(self, net, rule, numbers, rate, clip_norm=0.0, clip_value=0.0):
        self.net, self.numbers, self.rate = net, numbers, rate
        self.name, (self.rule, states) = rule, RULES[rule]
        self.clip_norm, self.clip_value, self.t = clip_norm, clip_value, 0
        self.states = [[np.zeros_like(p) for _ in range(states)] for p, _ in net.parameters()]
        self.counts = np.zeros(
            len(net.layers[0].parameters[0]), int
        )  # how often each row of the first layer was touched

    def batch(self, X, y, w=None):
        """One step on the mean gradient of the batch."""
        self.t += 1
        self._step(self._clipped(self.net.gradients(X, y, w, mode="batch")))

    def row(self, x, y, w=1.0):
        """One step on one sample: rows of the first layer that it doesn't touch are left alone, moments and all."""
        if w == 0:
            return
        first = self.net.layers[0]
        touched = np.unique(x.astype(int)) if isinstance(first, Embedding) else np.flatnonzero(~np.isnan(x))
        for i in x.astype(int) if isinstance(first, Embedding) else touched:
            self.counts[i] += 1
        self.t += 1
        gradients = self.net.gradients(x[None], y[None], np.array([w]), mode="row", mean=False)
        self._step(self._clipped(gradients), touched)

    def _clipped(self, gradients):
        """Clip the loss's gradient by norm and by value, then add the penalty."""
        size = math.sqrt(sum((g**2).sum() for g in gradients))
        if self.clip_norm and size > self.clip_norm:
            gradients = [g * self.clip_norm / size for g in gradients]
        if self.clip_value:
            gradients = [np.clip(g, -self.clip_value, self.clip_value) for g in gradients]
        return [g + q for g, q in zip(gradients, self.net.penalty_gradients(), strict=True)]

    def _step(self, gradients, touched=None):
        for k, ((p, weight), g, s) in enumerate(zip(self.net.parameters(), gradients, self.states, strict=True)):
            if k == 0 and touched is not None:
                for i in touched:
                    here = [state[i] for state in s]
                    p[i] = self._rule(p[i], g[i], here, int(self.counts[i]), weight)
                    for state, new in zip(s, here, strict=True):
                        state[i] = new
            else:
                p[...] = self._rule(p, g, s, self.t, weight)

    def _rule(self, w, g, s, t, weight):
        more = {"adamw": {"weight": weight}, "nadam": {"clock": self.t}}.get(self.name, {})
        return self.rule(w, g, s, t, self.rate(self.t), *self.numbers, **more)


# ---- inputs as they stream ------------------------------------------------------------------------------------------


def standardise(x, mean, var, count, clip=5.0):
    """Return x in units of its running deviation, and the statistics that include x."""
    a = max(1 / (count + 1), 1e-3)
    d = x - mean
    if count + 1 > 10 and var > 0:  # one freak moves them by ten deviations at most
        d = min(max(d, -10 * math.sqrt(var)), 10 * math.sqrt(var))
    mean += a * d
    var = (1 - a) * (var + a * d**2)
    z = 0.0 if var <= max(1e-20 * mean**2, 1e-300) else (x - mean) / math.sqrt(var)
    return min(max(z, -clip), clip), (mean, var, count + 1)


def hats(x, knots):
    """Return how high x lies under each knot's hat: 1 at its own knot, falling to 0 at the neighbouring ones."""
    return np.array([np.interp(x, knots, np.eye(len(knots))[k]) for k in range(len(knots))])


def knots_of(values, count):
    """Return the knots of a sample: quantiles by rank, equal ones once."""
    ranked = np.sort(values)
    return np.unique(ranked[[k * (len(ranked) - 1) // (count - 1) for k in range(count)]])


# ---- several experts ------------------------------------------------------------------------------------------------


def hedge(w, losses, share=0.003, hardest=9.0, weight=1.0):
    """Return the experts' weights after these losses: w·exp(−weight·loss/2), normalised, and a small share spread evenly."""
    w = w * np.exp(-0.5 * weight * np.minimum(losses, hardest))
    share *= min(weight, 1.0)
    return (1 - share) * w / w.sum() + share / len(w)


def stack(w, z, y, t, weight=1.0):
    """Return the weights of logits z (experts, k) after the t-th answer y, a class: a bounded step along −ln softmax(w·z)[y]."""
    rate = weight * max(0.02 / (1 + t / 1000), 0.002)
    slope = z @ softmax((w @ z)[None])[0] - z[:, y]
    return w - np.clip(rate * slope, -0.1, 0.1)


def stack_numbers(w, z, y, t, spread, weight=1.0):
    """Return the weights of numbers z (experts,) after the answer y, and the fading mean error of their mixture."""
    miss = w @ z - y
    spread = abs(miss) if t == 0 else spread + (abs(miss) - spread) * 0.003 * min(weight, 1.0)
    rate = min(weight * max(0.02 / (1 + t / 1000), 0.002), 1 / max(z @ z, 1e-30))
    return w - np.clip(rate * np.clip(miss, -spread, spread) * z, -0.1, 0.1), spread
