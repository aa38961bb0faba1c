// A page in two languages: each folder has its texts.js, with the same keys for both languages; a page adds those that it shows.
import { SHARED } from "./texts.js";

export const TEXTS = { en: { ...SHARED.en }, zh: { ...SHARED.zh } };

export function addTexts(part) {
  for (const code of Object.keys(TEXTS)) Object.assign(TEXTS[code], part[code]);
}

const named = new URLSearchParams(location.search).get("language"); // of a page that another one shows inside
let language = (named in TEXTS && named) || localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
export const current = () => language;

// What is between two sentences.
export const gap = () => (language === "zh" ? "" : " ");

// The text of a key, with {name} replaced by values.
export const text = (key, values = {}) => (TEXTS[language][key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export const has = (key) => key in TEXTS[language];

export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  applyLanguage();
}

export function applyLanguage() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
}
