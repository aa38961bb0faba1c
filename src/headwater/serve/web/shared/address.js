// Settings in the page's address, so that a link or a bookmark brings them back: #data=xor&hidden=6,4
const KEPT_OUT = new Set(["columns", "csv"]); // of a file that only this browser has

// The settings that the address names, each read as its default is: a number, a list, or a text.
export function settingsInAddress(defaults) {
  const named = new URLSearchParams(location.hash.replace(/^#/, ""));
  return Object.fromEntries([...named].filter(([name]) => name in defaults && !KEPT_OUT.has(name)).map(([name, value]) => [name, read(value, defaults[name])]));
}

function read(value, like) {
  if (Array.isArray(like)) return value === "" ? [] : value.split(",").map((part) => read(part, like[0]));
  return typeof like === "number" ? Number(value) : value;
}

// Name in the address the settings that are not the defaults.
export function keepInAddress(settings, defaults) {
  const changed = Object.entries(settings).filter(([name, value]) => !KEPT_OUT.has(name) && String(value) !== String(defaults[name]) && value !== "csv");
  const query = changed.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&");
  history.replaceState(null, "", query ? `#${query}` : location.pathname + location.search);
}
