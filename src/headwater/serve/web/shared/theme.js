// Light or dark: what the reader chose, else what the system says. Charts read their colours from the style sheet.
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const isDark = () => document.documentElement.dataset.theme === "dark";

export function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

export function firstTheme() {
  const kept = localStorage.getItem("theme"); // "auto" where the documents' theme has stored it
  return ["light", "dark"].includes(kept) ? kept : (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}
