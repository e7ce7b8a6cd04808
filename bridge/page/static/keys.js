// Keys for the hands of somebody who plays. None of them acts while one types, and none takes over a button in focus.

/** Let keys, named as `KeyboardEvent.key` in small letters, call what `acts` has for them. */
export function hearKeys(acts) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // Panic is for every moment but the one in which Escape takes back what was typed.
    const taken = event.key === "Escape" ? isText(event.target) : types(event.target);
    if (!act || taken || (event.key === " " && isPressed(event.target))) return;
    if (event.target.closest?.("dialog") && event.key !== "?") return;
    event.preventDefault();
    act();
  });
  // What was touched by the pointer keeps no key: the space bar belongs to the music again.
  let pointed = false;
  addEventListener("pointerdown", () => (pointed = true), true);
  addEventListener("keydown", () => (pointed = false), true);
  addEventListener("click", (event) => pointed && event.target.closest?.("button, a, .chip, .switch, summary") && leave());
  addEventListener("change", (event) => pointed && event.target.matches("select") && leave());
}

function leave() {
  const { activeElement } = document;
  if (activeElement && !isText(activeElement) && !activeElement.closest("dialog")) activeElement.blur();
}

function types(element) {
  return isText(element) || (element.matches?.("select") ?? false);
}

function isText(element) {
  return element.matches?.("textarea, input:not([type=range], [type=radio], [type=checkbox])") ?? false;
}

function isPressed(element) {
  return element.matches?.("button, summary, input[type=radio], input[type=checkbox]") ?? false;
}
