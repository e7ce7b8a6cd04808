// Keys for the hands of somebody who plays. None of them acts while one types, and none takes over a button in focus.

/** Let keys, named as `KeyboardEvent.key` in small letters, call what `acts` has for them. */
export function hearKeys(acts) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || types(event.target) || (event.key === " " && isPressed(event.target))) return;
    if (event.target.closest?.("dialog") && event.key !== "?") return;
    event.preventDefault();
    act();
  });
  // After a click the space bar belongs to the music again, not to the button that was clicked.
  addEventListener("click", (event) => event.detail > 0 && event.target.closest?.("button, .chip, .switch, summary") && leave());
}

function leave() {
  const { activeElement } = document;
  if (activeElement && !types(activeElement) && !activeElement.closest("dialog")) activeElement.blur();
}

function types(element) {
  return element.matches?.("select, textarea, input:not([type=range], [type=radio], [type=checkbox])") ?? false;
}

function isPressed(element) {
  return element.matches?.("button, a, summary, input[type=radio], input[type=checkbox]") ?? false;
}
