// What the nets learn from: ways to draw a point of the plane with its answer, and by what angle a drift has turned the plane.

function moons(random) {
  const y = random.below(2), t = random.uniform(0, Math.PI), side = y ? -1 : 1;
  return [1.6 * (y + side * Math.cos(t) - 0.5), 1.6 * (y / 2 + side * Math.sin(t) - 0.25), y];
}

function circles(random) {
  const y = random.below(2), r = y ? 0.9 * Math.sqrt(random.uniform()) : random.uniform(1.5, 2.1), t = random.uniform(0, 2 * Math.PI);
  return [r * Math.cos(t), r * Math.sin(t), y];
}

function xor(random) {
  const [a, b] = [random.uniform(-2.3, 2.3), random.uniform(-2.3, 2.3)].map((v) => v + 0.2 * Math.sign(v));
  return [a, b, Number(a * b > 0)];
}

function spiral(random) {
  const y = random.below(2), t = random.uniform(0.05, 1), a = 3.2 * Math.PI * t + Math.PI * y;
  return [2.7 * t * Math.sin(a), 2.7 * t * Math.cos(a), y];
}

function gaussians(random) {
  const y = random.below(3), a = Math.PI / 2 + (y * 2 * Math.PI) / 3;
  return [1.5 * Math.cos(a) + 0.4 * random.normal(), 1.5 * Math.sin(a) + 0.4 * random.normal(), y];
}

function plane(random) {
  const [a, b] = [random.uniform(-2.8, 2.8), random.uniform(-2.8, 2.8)];
  return [a, b, (a + b) / 5.6];
}

function hills(random) {
  const [a, b] = [random.uniform(-2.8, 2.8), random.uniform(-2.8, 2.8)];
  const hill = (x, y) => Math.exp(-((a - x) ** 2 + (b - y) ** 2));
  return [a, b, hill(-1.4, 1.4) - hill(1.4, 1.4) + hill(1.4, -1.4) - hill(-1.4, -1.4)];
}

/** By name: the names of the classes (none for regression), how a point [x1, x2, answer] is drawn, and about what a drift turns it. */
export const PLANES = {
  moons: { classes: ["A", "B"], draw: moons, pivot: [0, 0] },
  circles: { classes: ["A", "B"], draw: circles, pivot: [0.6, 0] }, // circles look the same when turned about their centre
  xor: { classes: ["A", "B"], draw: xor, pivot: [0, 0] },
  spiral: { classes: ["A", "B"], draw: spiral, pivot: [0, 0] },
  gaussians: { classes: ["A", "B", "C"], draw: gaussians, pivot: [0, 0] },
  plane: { classes: [], draw: plane, pivot: [0, 0] },
  hills: { classes: [], draw: hills, pivot: [0, 0] },
};

const SWING = Math.PI / 2;

/** By what angle the plane is turned after t points of a drift, by its name. */
export const ANGLES = {
  none: () => 0,
  abrupt: (t, every) => SWING * Math.floor(t / every),
  gradual: (t, every) => (SWING * t) / every,
  recurring: (t, every) => SWING * (Math.floor(t / every) % 2),
};

/** A point turned about a pivot. */
export function turned([x, y], angle, [a, b]) {
  if (!angle) return [x, y];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c * (x - a) - s * (y - b) + a, s * (x - a) + c * (y - b) + b];
}
