// Colours of the figures: blue is positive, orange is negative, as in the pictures and in the playground.

/** Colours as style sheets name them; live.css has their values for light and dark pages. */
export const colours = {
  ink: "var(--live-ink)",
  pale: "var(--live-pale)",
  grid: "var(--live-grid)",
  blue: "var(--live-blue)",
  orange: "var(--live-orange)",
  green: "var(--live-green)",
  violet: "var(--live-violet)",
};

/** The colour of a positive or a negative number. */
export function signed(x) {
  return x < 0 ? colours.orange : colours.blue;
}

/** A function from −1 … 1 to [red, green, blue], for the theme that an element has now. */
export function shades(element) {
  const style = getComputedStyle(element);
  const [low, middle, high] = ["--live-low", "--live-middle", "--live-high"].map((name) => parsed(style.getPropertyValue(name)));
  return (value) => {
    const x = Math.max(-1, Math.min(1, value));
    const end = x < 0 ? low : high;
    return middle.map((c, i) => c + (end[i] - c) * Math.abs(x));
  };
}

function parsed(hex) {
  const text = hex.trim().replace("#", "");
  return [0, 2, 4].map((i) => parseInt(text.slice(i, i + 2), 16));
}
