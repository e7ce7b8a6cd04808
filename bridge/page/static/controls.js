// A control for every parameter, made from the bridge's own table; each shows what the bridge says, whoever set it.

import { make, mark, write } from "./dom.js";
import { pitchName } from "./music.js";

const GROUPS = [
  { title: "Answer", names: ["mode", "commit", "lookahead", "offset_ms"] },
  { title: "Character", names: ["preset", "temperature", "density"] },
  { title: "Sound", names: ["voicing", "register"] },
  { title: "Harmony", names: ["key", "scale", "chord_set"] },
];
const BAR = ["start", "bypass", "hold", "recording", "panic"];
const LABELS = { offset_ms: "Offset", window_ms: "Window", commit: "Commit", recording: "Record", in_channels: "Melody channels", velocity_follow: "Follow my force", thru: "Pass melody on", clock_out: "MIDI clock out" };
const KEYS = { start: "Space", panic: "Escape", bypass: "B", hold: "H", recording: "R" };
const MOST_CHIPS = 6;
const MOST_BESIDE = 24; // letters of choices that stand beside their label
const WIDEST_SLIDER = 1200;
const SEND_MS = 40;
const PITCH = "MIDI pitch";

/** All controls. `set(name, value)` asks the bridge; `tell(sentence)` says something to whoever sees nothing. */
export class Controls {
  constructor({ bar, groups, more }, set) {
    this.places = { bar, groups, more };
    this.set = set;
    this.controls = new Map();
    this.made = "";
  }

  /** Make a control for each of `parameters`, unless they are those there are. */
  build(parameters, presets) {
    const kind = JSON.stringify([parameters, presets]);
    if (kind === this.made) return;
    this.made = kind;
    this.controls.clear();
    const table = new Map(parameters.map((parameter) => [parameter.name, parameter]));
    const take = (names) => names.filter((name) => table.has(name)).map((name) => this.#control(table.get(name), presets));
    this.places.bar.replaceChildren(...take(BAR));
    this.places.groups.replaceChildren(...GROUPS.map(({ title, names }) => group(title, take(names))).filter(Boolean));
    const rest = parameters.map(({ name }) => name).filter((name) => !this.controls.has(name) && name !== "stop");
    this.places.more.replaceChildren(...take(rest));
    if (table.has("stop")) this.controls.set("stop", this.controls.get("start"));
  }

  show(name, value) {
    this.controls.get(name)?.show(value);
  }

  refuse(name, sentence, value) {
    const control = this.controls.get(name);
    control?.refuse(sentence, value);
    return Boolean(control);
  }

  /** Do what the control's button does. */
  press(name) {
    this.controls.get(name)?.press?.();
  }

  roll(rolling) {
    this.controls.get("start")?.roll?.(rolling);
  }

  #control(parameter, presets) {
    const control = new (kindOf(parameter, presets))(parameter, (value, name = parameter.name) => this.set(name, value), presets);
    this.controls.set(parameter.name, control);
    return control.element;
  }
}

function kindOf({ name, kind, choices, low, high }, presets) {
  if (name === "start") return StartStop;
  if (kind === "trigger") return Trigger;
  if (kind === "switch") return BAR.includes(name) ? Toggle : Switch;
  if (kind === "choice") return choices.length <= MOST_CHIPS ? Chips : Select;
  if (name === "preset" && presets.length) return Select;
  if (kind === "text") return Text;
  return high - low <= WIDEST_SLIDER ? Slider : NumberField;
}

function group(title, elements) {
  return elements.length ? make("fieldset", { class: "card" }, make("legend", {}, title), ...elements) : null;
}

function labelOf({ name }) {
  const words = LABELS[name] ?? name.replace(/_ms$/, "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** What all have: a label, help, a place for refusals, and the way by which it is reached elsewhere. */
class Control {
  constructor(parameter, send) {
    this.parameter = parameter;
    this.send = send;
    this.id = `control-${parameter.name}`;
    this.refusal = make("p", { class: "refusal", role: "alert", id: `${this.id}-refusal` });
    this.help = make("p", { class: "help", id: `${this.id}-help` }, parameter.help);
    this.element = make("div", { class: "control", "data-name": parameter.name });
  }

  /** What is shown when the pointer rests on it. */
  get title() {
    const { help, address, option, controller } = this.parameter;
    const key = KEYS[this.parameter.name];
    const ways = [key && `key ${key}`, address && `OSC ${address}`, controller && "any MIDI controller", option && `option ${option}`];
    return `${help}\n${ways.filter(Boolean).join(" · ")}`;
  }

  /** Let `input` be labelled and explained. */
  explain(input, label = labelOf(this.parameter)) {
    if (!input.hasAttribute("aria-label") && label) input.setAttribute("aria-label", label);
    input.setAttribute("aria-describedby", `${this.help.id} ${this.refusal.id}`);
    input.title = this.title;
    return input;
  }

  ask(value) {
    write(this.refusal, "");
    if (this.send(value) === false) this.show(this.value);
  }

  refuse(sentence, value) {
    write(this.refusal, sentence);
    this.show(value);
  }

  show(value) {
    this.value = value;
  }
}

/** One button that starts and, while it rolls, stops. */
class StartStop extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    this.word = make("span", {}, "Start");
    this.button = this.explain(make("button", { type: "button", class: "go" }, make("span", { class: "sign", "aria-hidden": "true" }), this.word), "");
    this.button.addEventListener("click", () => this.press());
    this.element.append(this.button, this.help, this.refusal);
    this.roll(false);
  }

  press() {
    write(this.refusal, "");
    this.send(true, this.rolling ? "stop" : "start");
  }

  roll(rolling) {
    if (rolling === this.rolling) return;
    this.rolling = rolling;
    write(this.word, rolling ? "Stop" : "Start");
    mark(this.button, "data-is", rolling ? "rolling" : "standing");
  }
}

class Trigger extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    this.button = this.explain(make("button", { type: "button", class: parameter.name }, labelOf(parameter)), "");
    this.button.addEventListener("click", () => this.press());
    this.element.append(this.button, this.help, this.refusal);
  }

  press() {
    this.ask(true);
  }
}

/** A button that stays down. */
class Toggle extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    this.button = this.explain(
      make("button", { type: "button", class: `toggle ${parameter.name}`, "aria-pressed": "false" }, make("span", { class: "lamp", "aria-hidden": "true" }), make("span", {}, labelOf(parameter))),
      "",
    );
    this.button.addEventListener("click", () => this.press());
    this.element.append(this.button, this.help, this.refusal);
  }

  press() {
    this.ask(!this.value);
  }

  show(value) {
    super.show(value);
    mark(this.button, "aria-pressed", String(Boolean(value)));
  }
}

class Switch extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    this.input = this.explain(make("input", { type: "checkbox", role: "switch", id: this.id }), "");
    this.input.addEventListener("change", () => this.ask(this.input.checked));
    this.element.append(make("label", { class: "switch", for: this.id }, make("span", {}, labelOf(parameter)), this.input), this.help, this.refusal);
  }

  show(value) {
    super.show(value);
    this.input.checked = Boolean(value);
  }
}

/** A few choices side by side. */
class Chips extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    const label = make("span", { class: "label", id: `${this.id}-label` }, labelOf(parameter));
    const { choices } = parameter;
    this.inputs = choices.map((choice) => make("input", { type: "radio", name: this.id, value: choice, "aria-describedby": this.help.id }));
    const chips = this.inputs.map((input) => make("label", { class: "chip" }, input, make("span", {}, input.value)));
    if (choices.join("").length > MOST_BESIDE) this.element.classList.add("below");
    this.box = make("div", { class: "chips", role: "radiogroup", "aria-labelledby": label.id, title: this.title }, ...chips);
    this.box.addEventListener("change", (event) => this.ask(event.target.value));
    this.element.append(label, this.box, this.help, this.refusal);
  }

  show(value) {
    super.show(value);
    for (const input of this.inputs) input.checked = input.value === value;
  }
}

class Select extends Control {
  constructor(parameter, send, presets) {
    super(parameter, send);
    const choices = parameter.name === "preset" ? presets : parameter.choices.map((name) => ({ name }));
    this.input = this.explain(make("select", { id: this.id }), "");
    for (const { name, description } of choices) this.input.append(make("option", { value: name, title: description ?? "" }, name));
    this.input.addEventListener("change", () => this.ask(this.input.value));
    this.element.append(make("label", { class: "label", for: this.id }, labelOf(parameter)), this.input, this.help, this.refusal);
  }

  show(value) {
    super.show(value);
    const text = String(value);
    // A preset may be a folder that no list knows.
    if (![...this.input.options].some((option) => option.value === text)) this.input.append(make("option", { value: text }, text));
    this.input.value = text;
  }
}

/** What is typed: it is asked for with Enter or when left, and Escape brings back what was. */
class Field extends Control {
  constructor(parameter, send) {
    super(parameter, send);
    this.input = this.field();
    this.input.addEventListener("change", () => this.#changed());
    this.input.addEventListener("keydown", (event) => event.key === "Escape" && this.#restore());
    this.input.addEventListener("blur", () => this.show(this.value));
  }

  head() {
    this.unit = make("span", { class: "unit" }, this.parameter.unit);
    return make("label", { class: "label", for: this.input.id }, labelOf(this.parameter), " ", this.unit);
  }

  #changed() {
    // Escape has written the old value back, which is no wish of anybody.
    if (this.input.value.trim() && this.read() !== this.value) this.ask(this.read());
  }

  #restore() {
    this.write(this.value);
    this.input.blur();
  }

  show(value) {
    super.show(value);
    if (document.activeElement !== this.input || this.asked === this.input.value) this.write(value);
  }

  ask(value) {
    this.asked = this.input.value;
    super.ask(value);
  }

  refuse(sentence, value) {
    write(this.refusal, sentence);
    Control.prototype.show.call(this, value);
    this.write(value);
  }

  write(value) {
    if (value !== undefined && value !== null) this.input.value = String(value);
  }
}

class Text extends Field {
  constructor(parameter, send) {
    super(parameter, send);
    this.element.append(this.head(), this.input, this.help, this.refusal);
  }

  field() {
    return this.explain(make("input", { type: "text", id: this.id, autocomplete: "off", spellcheck: "false" }), "");
  }

  read() {
    return this.input.value.trim();
  }
}

class NumberField extends Field {
  constructor(parameter, send) {
    super(parameter, send);
    this.element.append(this.head(), this.input, this.help, this.refusal);
  }

  field() {
    const { low, high, kind } = this.parameter;
    const step = kind === "whole" ? "1" : "any";
    return this.explain(make("input", { type: "number", id: this.id, min: String(low), max: String(high), step, inputmode: "decimal" }), "");
  }

  read() {
    return Number(this.input.value);
  }

  write(value) {
    if (typeof value !== "number") return;
    this.input.value = String(Math.round(value * 1000) / 1000);
    if (this.parameter.unit === PITCH) write(this.unit, pitchName(value));
  }
}

/** A slider for the hand and a field for the exact value. */
class Slider extends NumberField {
  constructor(parameter, send) {
    super(parameter, send);
    const { low, high } = parameter;
    this.slider = this.explain(make("input", { type: "range", min: String(low), max: String(high), step: stepOf(parameter) }));
    this.dragging = false;
    this.slider.addEventListener("pointerdown", () => (this.dragging = true));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) this.slider.addEventListener(name, () => this.#release());
    this.slider.addEventListener("input", () => this.#moved());
    this.slider.addEventListener("change", () => this.#now());
    this.slider.addEventListener("dblclick", () => this.#reset());
    this.slider.addEventListener("keydown", (event) => ["Delete", "Backspace"].includes(event.key) && this.#reset());
    this.element.classList.add("slides");
    this.input.before(this.slider);
  }

  show(value) {
    super.show(value);
    this.sent = value;
    if (!this.dragging) this.#place(value);
  }

  refuse(sentence, value) {
    super.refuse(sentence, value);
    this.#place(value);
  }

  ask(value) {
    this.asked = String(value);
    Control.prototype.ask.call(this, value);
  }

  #place(value) {
    if (typeof value !== "number") return;
    this.slider.value = String(value);
    const { low, high } = this.parameter;
    const share = (Math.min(high, Math.max(low, value)) - low) / (high - low);
    this.slider.style.setProperty("--share", `${(100 * share).toFixed(2)}%`);
    this.slider.setAttribute("aria-valuetext", `${this.input.value} ${this.parameter.unit}`.trim());
  }

  /** Send while it moves, but not more often than the ear follows. */
  #moved() {
    const value = Number(this.slider.value);
    this.write(value);
    this.#place(value);
    this.timer ??= setTimeout(() => this.#now(), SEND_MS);
  }

  #now() {
    clearTimeout(this.timer);
    this.timer = null;
    const value = Number(this.slider.value);
    if (value !== this.sent) this.ask((this.sent = value));
  }

  #release() {
    if (!this.dragging) return;
    if (this.timer) this.#now();
    this.dragging = false;
    // Somebody else may have set it while the hand lay still.
    this.#place(this.sent);
    this.write(this.sent);
  }

  #reset() {
    const { default: usual } = this.parameter;
    if (typeof usual === "number") this.ask(usual);
  }
}

function stepOf({ kind, unit, low, high }) {
  if (kind === "whole" || unit === "ms") return "1";
  if (unit === "beats") return "0.25";
  return high - low <= 1 ? "0.01" : high - low <= 4 ? "0.05" : "0.1";
}
