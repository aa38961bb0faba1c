// Formulas of activations, losses and update rules, as headwater.plain states them; tests/serve checks that they are the same.
export const ACTIVATIONS = {
  identity: "f(x) = x",
  relu: "f(x) = max(0, x)",
  leaky_relu: "f(x) = x if x > 0 else a·x",
  sigmoid: "f(x) = 1 / (1 + e⁻ˣ)",
  tanh: "f(x) = (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)",
  elu: "f(x) = x if x > 0 else a·(eˣ − 1)",
  selu: "f(x) = λ·(x if x > 0 else α·(eˣ − 1))",
  gelu: "f(x) = x·Φ(x), Φ the normal distribution",
  silu: "f(x) = x·sigmoid(x)",
  softplus: "f(x) = ln(1 + eˣ)",
  hard_tanh: "f(x) = min(1, max(−1, x))",
};
export const LOSSES = {
  mse: "a·mean (p − y)²",
  binary_cross_entropy: "mean −y·ln p − (1 − y)·ln(1 − p)",
  cross_entropy: "−Σ yⱼ·ln pⱼ",
};
export const RULES = {
  sgd: "w ← w − lr·g",
  momentum: "u ← μ·u + g; w ← w − lr·u",
  nesterov: "u ← μ·u + g; w ← w − lr·(g + μ·u)",
  adagrad: "G ← G + g²; w ← w − lr·g/(√G + ε)",
  rmsprop: "v ← ρ·v + (1 − ρ)·g²; w ← w − lr·g/(√v + ε)",
  adadelta: "v ← ρ·v + (1 − ρ)·g²; δ = g·√(u + ε)/√(v + ε); u ← ρ·u + (1 − ρ)·δ²; w ← w − lr·δ",
  adam: "m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; w ← w − lr·m̂/(√v̂ + ε)",
  adamw: "w ← (1 − lr·λ)·w, then Adam",
  amsgrad: "Adam with v̂ = the largest v so far",
  nadam: "Adam with Nesterov's look-ahead: m̂ = μₜ₊₁m/(1 − Πμ·μₜ₊₁) + (1 − μₜ)g/(1 − Πμ)",
  ftrl: "σ = (√(n + g²) − √n)/α; z ← z + g − σ·w; n ← n + g²; w = −(z − sign(z)λ₁)/((β + √n)/α + λ₂), 0 if |z| ≤ λ₁",
  cocob: "L ← max(L, |g|); A ← A + |g|; R ← max(R − (w − w₀)g, 0); θ ← θ − g; w = w₀ + θ·(L + R)/(L·max(A + L, αL))",
};
