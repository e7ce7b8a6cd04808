// The roll: bars, chords and both parts on a canvas, drawn anew for every frame of the screen.

import { pitchName, signsApart, symbolParts } from "./music.js";

const PAST_SHARE = 1 / 3;
const NARROWEST_BEATS = 4;
const WIDEST_BEATS = 96;
const LEAST_PITCHES = 25;
const MARGIN_PITCHES = 3;
const SETTLE_SECONDS = 0.3;
const PAST_ALPHA = 0.55;
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

const COLOURS = ["ground", "lane", "bar", "beat", "ruler", "melody", "chord", "chord-ink", "going", "planned", "planned-fill", "past", "now", "faint"];

/** The colour of a chord's block by what is known of it. */
const GROUNDS = { past: "past", sounding: "chord", final: "chord", going: "going", planned: "planned-fill" };

export class Roll {
  constructor(canvas, state) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d", { alpha: false });
    this.state = state;
    this.still = false; // whether the roll turns pages instead of rolling
    this.frozen = null; // the left end of what is shown, while it does not follow the music
    this.zoom = 1;
    this.left = 0;
    this.line = 0;
    this.range = null;
    this.marks = [];
    this.width = this.height = this.ratio = 0;
    const style = getComputedStyle(canvas);
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--roll-${name}`).trim()]));
  }

  resize(width, height, ratio) {
    Object.assign(this, { width, height, ratio });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  /** How many beats are seen at once. */
  get beats() {
    const usual = Math.min(16, Math.max(6, this.width / 100));
    return Math.min(WIDEST_BEATS, Math.max(NARROWEST_BEATS, this.wide ?? usual * this.zoom));
  }

  get beatWidth() {
    return this.width / this.beats;
  }

  get follows() {
    return this.frozen === null;
  }

  /** Stand still and show the last `beats` beats. */
  look(beats) {
    this.wide = beats * 1.02;
    this.frozen = this.line - beats;
  }

  /** Move what is seen by so many pixels; it stands still from then on. */
  drag(pixels) {
    this.frozen = Math.min(this.line, (this.frozen ?? this.left) + pixels / this.beatWidth);
  }

  /** What was told anew lies elsewhere on the line by so many beats. */
  shift(beats) {
    if (this.frozen !== null) this.frozen += beats;
  }

  /** Go with the music again. */
  follow() {
    this.frozen = null;
    this.wide = null;
  }

  /** See more (above 1) or less of it. */
  stretch(factor) {
    this.wide = null;
    const usual = this.beats / this.zoom;
    this.zoom = Math.min(WIDEST_BEATS / usual, Math.max(NARROWEST_BEATS / usual, this.zoom * factor));
  }

  draw(line, elapsed) {
    this.line = line;
    if (!(this.width > 0 && this.height > 0)) return;
    this.left = this.#place(line);
    this.right = this.left + this.beats;
    this.ahead = this.state.goesOn(line);
    this.#settle(elapsed);
    const { pen, ratio, width, height } = this;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = this.colours.ground;
    pen.fillRect(0, 0, width, height);
    this.ruler = width < 600 ? 22 : 28;
    this.lane = width < 600 ? 40 : 60;
    this.top = this.ruler + this.lane;
    this.#drawGrid();
    this.#drawNotes();
    this.#drawLane();
    this.#drawRuler();
    this.#drawNow();
  }

  x(line) {
    return (line - this.left) * this.beatWidth;
  }

  y(pitch) {
    const [low, high] = this.range;
    return this.top + ((high - pitch) / (high - low)) * (this.height - this.top);
  }

  #place(line) {
    if (this.frozen !== null) return this.frozen;
    if (this.still) return this.#turned(line);
    // On whole pixels of the screen, so that what moves together does not tremble.
    const pixel = this.ratio * this.beatWidth;
    return Math.round((line - this.beats * PAST_SHARE) * pixel) / pixel;
  }

  /** Where the page begins that `line` is on; it turns when the music has come near its end. */
  #turned(line) {
    const at = (line - this.left) / this.beats;
    return at < 0.1 || at > 0.72 ? line - this.beats * 0.2 : this.left;
  }

  #settle(elapsed) {
    const pitches = [];
    const from = this.left - 8;
    for (const note of [...this.state.notes, ...this.state.sounds]) {
      if ((note.end ?? Infinity) >= from && note.start <= this.right) pitches.push(note.pitch);
    }
    for (const chord of this.state.plan) pitches.push(...chord.pitches);
    let low = Math.min(...pitches, 128);
    let high = Math.max(...pitches, 0);
    if (low > high) [low, high] = this.range ?? [52, 77];
    else [low, high] = [low - MARGIN_PITCHES, high + MARGIN_PITCHES];
    const more = Math.max(0, LEAST_PITCHES - (high - low)) / 2;
    const target = [low - more, high + more];
    const share = this.range === null || this.still ? 1 : 1 - Math.exp(-elapsed / SETTLE_SECONDS);
    this.range = target.map((to, i) => (this.range ? this.range[i] + (to - this.range[i]) * share : to));
  }

  #drawGrid() {
    const { pen, colours } = this;
    const [low, high] = this.range;
    const row = this.y(0) - this.y(1);
    pen.fillStyle = colours.lane;
    for (let pitch = Math.ceil(low); pitch <= high; pitch++) {
      if ([1, 3, 6, 8, 10].includes(((pitch % 12) + 12) % 12)) pen.fillRect(0, this.y(pitch) - row / 2, this.width, row);
    }
    this.marks = this.state.grid(this.left, this.right);
    for (const { line, beat } of this.marks) {
      pen.fillStyle = beat === 1 ? colours.bar : colours.beat;
      pen.fillRect(this.#sharp(this.x(line)), beat === 1 ? 0 : this.top, 1, this.height);
    }
    pen.fillStyle = colours.ruler;
    pen.font = `12px ${FONT}`;
    pen.textBaseline = "middle";
    for (let pitch = Math.ceil(low / 12) * 12; pitch <= high; pitch += 12) {
      if (this.y(pitch) < this.height - 8 && this.y(pitch) > this.top + 8) pen.fillText(pitchName(pitch), 5, this.y(pitch));
    }
  }

  #drawNotes() {
    const { pen, state, colours } = this;
    const now = this.line;
    const row = Math.min(20, Math.max(6, 1.2 * (this.y(0) - this.y(1))));
    for (const chord of state.plan) {
      if (chord.start <= now) continue; // it sounds, or is about to be said to
      for (const pitch of chord.pitches) this.#planned(chord.start, chord.end, pitch, row, chord.final);
    }
    for (const sound of state.sounds) {
      if (sound.end === null) this.#goesOn(sound, row * 0.86);
      this.#bar(sound, row * 0.86, colours.chord, now);
    }
    for (const note of state.notes) this.#bar(note, row, colours.melody, now);
    pen.globalAlpha = 1;
  }

  #bar({ start, end, pitch }, height, colour, now) {
    const until = end ?? Math.max(start, now);
    if (until < this.left || start > this.right) return;
    const { pen } = this;
    const sounding = end === null || (end > now && start <= now);
    pen.globalAlpha = sounding ? 1 : PAST_ALPHA;
    pen.fillStyle = colour;
    const x = this.x(start);
    this.#round(x, this.y(pitch) - height / 2, Math.max(3, this.x(until) - x - 1.5), height, 3);
    pen.fill();
  }

  /** A note that sounds, on from now. */
  #goesOn({ start, pitch }, height) {
    const { pen, colours, ahead } = this;
    const x = this.x(Math.max(this.line, start));
    pen.globalAlpha = 1;
    pen.fillStyle = ahead.final ? colours.chord : colours.going;
    this.#round(x, this.y(pitch) - height / 2, this.x(ahead.end) - x - 1.5, height, 3);
    pen.fill();
  }

  #planned(start, end, pitch, row, final) {
    if (end <= start || start > this.right) return;
    const { pen, colours } = this;
    const height = row * 0.86;
    const x = this.x(start);
    const width = Math.max(3, this.x(end) - x - 1.5);
    const y = this.y(pitch) - height / 2;
    pen.globalAlpha = 1;
    if (final) {
      pen.fillStyle = colours.chord;
      this.#round(x, y, width, height, 3);
      pen.fill();
    } else {
      pen.fillStyle = colours["planned-fill"];
      pen.strokeStyle = colours.planned;
      pen.lineWidth = 1;
      this.#round(x + 0.5, y + 0.5, width - 1, height - 1, 3);
      pen.fill();
      pen.stroke();
    }
  }

  #drawLane() {
    const { pen, state, colours } = this;
    const now = this.line;
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, this.width, this.top - 2);
    for (const { line, beat } of this.marks) {
      if (beat === 1) this.#rule(line, colours.bar, 0, this.top - 2);
    }
    for (const chord of state.chords) {
      const end = chord.end ?? now;
      const sounds = chord.end === null || (chord.end > now && chord.start <= now);
      this.#block(chord, chord.start, end, sounds ? "sounding" : "past");
      if (chord.end === null) this.#block(chord, Math.max(now, chord.start), this.ahead.end, this.ahead.final ? "final" : "going");
    }
    for (const chord of state.plan) {
      if (chord.start > now) this.#block(chord, chord.start, chord.end, chord.final ? "final" : "planned");
    }
  }

  #block(chord, start, end, how) {
    if (end <= start || end < this.left || start > this.right) return;
    const { pen, colours } = this;
    const x = this.x(start) + 1;
    const width = Math.max(2, this.x(end) - x - 1.5);
    const y = this.ruler + 2;
    const height = this.lane - 8;
    const solid = how === "sounding" || how === "final" || how === "going";
    this.#round(x + 0.5, y + 0.5, width - 1, height - 1, 6);
    pen.fillStyle = colours[GROUNDS[how]];
    pen.fill();
    if (how === "planned") {
      pen.strokeStyle = colours.planned;
      pen.lineWidth = 1.5;
      pen.setLineDash([5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.save();
    pen.beginPath();
    pen.rect(Math.max(x, 0), y, width - Math.max(0, -x), height);
    pen.clip();
    pen.fillStyle = solid ? colours["chord-ink"] : how === "past" ? colours.chord : colours.planned;
    this.#name(chord, y + height / 2);
    pen.restore();
  }

  /** A chord's name from where the chord begins, or from the edge of what is seen. */
  #name(chord, middle) {
    const { root, rest } = symbolParts(chord.symbol);
    const size = this.lane * 0.5;
    const from = Math.max(this.x(chord.start) + 1, 0) + 8;
    this.pen.textBaseline = "alphabetic";
    const base = middle + size * 0.36;
    const wide = this.#spell(root, from, base, 700, size);
    this.#spell(rest, from + wide + 1, base, 600, size * 0.66);
  }

  /** Write a text; how wide it is. */
  #spell(text, x, base, weight, size) {
    const { pen } = this;
    pen.font = `${weight} ${size}px ${FONT}`;
    pen.strokeStyle = pen.fillStyle;
    pen.lineWidth = size * 0.06;
    let at = x;
    for (const { text: piece, sign } of signsApart(text)) {
      pen.fillText(piece, at, base);
      if (sign) pen.strokeText(piece, at, base);
      at += pen.measureText(piece).width;
    }
    return at - x;
  }

  #drawRuler() {
    const { pen, colours } = this;
    const every = this.beatWidth * this.state.beatsPerBar < 44 ? 4 : 1;
    pen.textBaseline = "middle";
    pen.font = `600 ${this.ruler < 25 ? 12 : 14}px ${FONT}`;
    pen.fillStyle = colours.ruler;
    for (const { line, bar, beat } of this.marks) {
      const first = beat === 1 && (every === 1 || bar % every === 1);
      if (first) pen.fillText(String(bar), this.x(line) + 6, this.ruler / 2);
      else if (beat !== 1 && every === 1) pen.fillRect(this.#sharp(this.x(line)), this.ruler - 7, 1, 5);
    }
    for (const { line, why } of this.state.stretches) {
      if (why && line >= this.left && line <= this.right) this.#rule(line, colours.faint, this.top, this.height);
    }
  }

  #drawNow() {
    const { pen, colours } = this;
    const x = this.#sharp(this.x(this.line));
    if (x < 0 || x > this.width) return;
    pen.fillStyle = colours.now;
    pen.fillRect(x - 1, this.ruler - 4, 2, this.height);
    pen.beginPath();
    pen.moveTo(x - 8, this.ruler - 12);
    pen.lineTo(x + 8, this.ruler - 12);
    pen.lineTo(x, this.ruler - 1);
    pen.fill();
  }

  #rule(line, colour, from, to) {
    this.pen.fillStyle = colour;
    this.pen.fillRect(this.#sharp(this.x(line)), from, 1, to - from);
  }

  #sharp(x) {
    return Math.round(x * this.ratio) / this.ratio;
  }

  #round(x, y, width, height, radius) {
    this.pen.beginPath();
    this.pen.roundRect(x, y, Math.max(0, width), Math.max(0, height), Math.min(radius, height / 2, Math.max(0, width) / 2));
  }
}
