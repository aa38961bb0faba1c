// Short forms for looking up an element and for making one.
export const byId = (id) => document.getElementById(id);

export function element(tag, text, more = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return Object.assign(made, more);
}
