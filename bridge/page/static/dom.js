// Small helps with the page's elements.

/** A new element with attributes, properties and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function find(id) {
  return document.getElementById(id);
}

/** Write only what is new: a text that stays costs nothing. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same of an attribute. */
export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
