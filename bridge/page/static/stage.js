// What is read from afar: the chord now, the next ones with their countdown, beat lamps, tempo, and how all fares.

import { find, make, mark, write } from "./dom.js";
import { countdown, feltBeats, pitchName, signsApart, symbolParts } from "./music.js";

const NEXT = 4;
const STATE_WORDS = { waiting: "waiting", locking: "locking", locked: "locked", free: "our own", lost: "lost" };

/** The chord now and those to come. */
export class ChordStrip {
  constructor() {
    this.now = find("chord-now");
    this.pitches = find("chord-pitches");
    this.list = find("chords-next");
    this.none = find("chords-none");
    this.items = Array.from({ length: NEXT }, () => this.#item());
    this.list.append(...this.items.map((item) => item.element));
  }

  draw(state, line) {
    const chord = state.chordAt(line);
    this.#name(this.now, chord?.symbol ?? "");
    write(this.pitches, chord ? chord.pitches.map(pitchName).join("  ") : "no chord");
    const coming = state.rolling ? state.toCome(line) : [];
    this.items.forEach((item, i) => this.#draw(item, coming[i], state, line));
    if (this.changed) this.#room();
    this.none.hidden = coming.length > 0;
    write(this.none, state.rolling ? "nothing planned yet" : "play a note, or press Start");
  }

  #draw(item, chord, state, line) {
    item.element.hidden = !chord;
    if (!chord) return;
    const togo = (chord.start - line) / feltBeats(state.metre);
    this.#name(item.name, chord.symbol);
    const count = countdown(togo);
    write(item.count, count);
    write(item.word, Number(count) > 1 ? "beats" : "beat");
    mark(item.element, "class", `${chord.final ? "final" : "planned"}${item.outside ? " outside" : ""}`);
    const filled = Math.max(0, Math.min(1, 1 - togo / 4)).toFixed(3);
    if (item.filled !== filled) item.bar.style.transform = `scaleX(${(item.filled = filled)})`;
  }

  /** A symbol with the root large and the rest smaller; made to fit where it stands. */
  #name(element, symbol) {
    if (element.dataset.symbol === symbol) return;
    element.dataset.symbol = symbol;
    this.changed = true;
    const { root, rest } = symbolParts(symbol);
    element.replaceChildren(make("b", {}, ...spelt(root)), make("i", {}, ...spelt(rest)));
    element.style.setProperty("--fit", "1");
    const room = element.parentElement.clientWidth;
    const wide = element.scrollWidth;
    if (room > 0 && wide > room) element.style.setProperty("--fit", String(Math.max(0.4, room / wide)));
  }

  /** A chord for which there is no room is not shown by half. */
  #room() {
    this.changed = false;
    const { clientWidth, offsetLeft } = this.list;
    for (const item of this.items) item.outside = item.element.offsetLeft - offsetLeft + item.element.offsetWidth > clientWidth + 1;
  }

  /** The room has changed: fit the names again. */
  fit() {
    for (const element of [this.now, ...this.items.map((item) => item.name)]) delete element.dataset.symbol;
  }

  #item() {
    const name = make("span", { class: "symbol" });
    const count = make("b", { class: "count" });
    const word = make("span", { class: "word" });
    const bar = make("span", { class: "filling" });
    const element = make(
      "li",
      { hidden: true },
      make("div", { class: "fits" }, name),
      make("span", { class: "in" }, "in ", count, " ", word),
      make("span", { class: "track", "aria-hidden": "true" }, bar),
    );
    return { element, name, count, word, bar, filled: "" };
  }
}

/** Lamps, place, tempo and metre, whose tempo rules, and how the policy fares. */
export class Panel {
  constructor() {
    this.lamps = find("lamps");
    this.count = 0;
    this.parts = Object.fromEntries(
      ["place", "tempo", "metre", "going", "sync", "sync-state", "step", "meter", "late", "worker", "preset-now"].map((id) => [id, find(id)]),
    );
  }

  draw(state, line) {
    const { parts } = this;
    const [bar, beat] = state.barAt(line);
    this.#light(state.beatsPerBar, state.rolling ? Math.floor(beat) : 0);
    write(parts.place, state.rolling ? `${bar}.${Math.floor(beat)}` : "–");
    write(parts.tempo, state.bpm.toFixed(1));
    write(parts.metre, state.metre.join("/"));
    write(parts.going, state.rolling ? "playing" : "waiting");
    mark(parts.going, "data-is", state.rolling ? "playing" : "waiting");
    if (state.status !== this.status) this.#fares((this.status = state.status));
  }

  #light(count, lit) {
    if (count !== this.count) {
      this.count = count;
      this.lamps.replaceChildren(...Array.from({ length: Math.min(count, 16) }, () => make("span")));
    }
    [...this.lamps.children].forEach((lamp, i) => mark(lamp, "class", i + 1 === lit ? "lit" : ""));
  }

  #fares(status) {
    const { parts } = this;
    if (!status) return;
    const frame = status.frame_seconds ?? 15 / status.bpm;
    const share = status.step_seconds / frame;
    write(parts.step, `${ms(status.step_seconds)} of ${Math.round(1000 * frame)} ms`);
    parts.meter.style.transform = `scaleX(${Math.min(1, share).toFixed(3)})`;
    mark(parts.meter, "data-is", share < 0.5 ? "well" : share < 1 ? "slow" : "bad");
    write(parts.late, String(status.late));
    mark(parts.late, "data-is", status.late ? "bad" : "well");
    write(parts.worker, status.worker || "well");
    mark(parts.worker, "data-is", status.worker ? "bad" : "well");
    const how = status.sync_state || "free";
    write(parts.sync, status.sync || "The bridge's own tempo.");
    write(parts["sync-state"], STATE_WORDS[how] ?? how);
    mark(parts["sync-state"], "data-is", how);
    write(parts["preset-now"], status.preset);
  }
}

function spelt(text) {
  return signsApart(text).map(({ text: piece, sign }) => (sign ? make("span", { class: "sign" }, piece) : piece));
}

function ms(seconds) {
  const value = 1000 * seconds;
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

