// The last 16 bars at one glance, where they are dragged from: both parts, small, from bar line to bar line.

import { barBeats, feltBeats } from "./music.js";

const BARS = 16;
const STRONG_BARS = 4;
const LEAST_PITCHES = 24;
const MARGIN_PITCHES = 2;
const LEAST_PIXELS = 1.5;
const COLOURS = ["ground", "bar", "melody", "chord", "now"];

export class Past {
  constructor(canvas, state) {
    this.canvas = canvas;
    this.state = state;
    this.pen = canvas.getContext("2d", { alpha: false });
    this.width = this.height = this.ratio = 0;
    this.seen = "";
    const style = getComputedStyle(canvas);
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--roll-${name}`).trim()]));
  }

  resize(width, height, ratio) {
    Object.assign(this, { width, height, ratio, seen: "" });
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
  }

  draw(line) {
    if (!(this.width > 0 && this.height > 0)) return;
    const { state, width } = this;
    const { metre } = state.stretchAt(line);
    this.right = line + barBeats(metre) - (state.barAt(line)[1] - 1) * feltBeats(metre);
    this.left = this.right - BARS * barBeats(metre);
    // So small it moves by a pixel now and then, and need not be drawn for every frame of the screen.
    const now = Math.round(this.#x(line));
    const seen = [this.left.toFixed(2), now, state.notes.length, state.sounds.length, state.hellos, state.rolling].join(" ");
    if (seen === this.seen) return;
    this.seen = seen;
    this.#paint(line, now, barBeats(metre), width);
  }

  #paint(line, now, bar, width) {
    const { pen, state, colours, ratio, height } = this;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = colours.ground;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = colours.bar;
    for (let i = 0; i < BARS; i += STRONG_BARS) pen.fillRect(this.#x(this.left + i * bar), 0, 1, height);
    const [sounds, notes] = [state.sounds, state.notes].map((list) => list.filter(({ start, end }) => (end ?? line) > this.left && start < this.right));
    this.#fit([...sounds, ...notes]);
    this.#bars(sounds, colours.chord, line);
    this.#bars(notes, colours.melody, line);
    pen.fillStyle = colours.now;
    pen.fillRect(now, 0, 1, height);
  }

  #bars(list, colour, line) {
    const { pen, height } = this;
    const [low, high] = this.range;
    const row = Math.max(LEAST_PIXELS, height / (high - low));
    pen.fillStyle = colour;
    for (const { start, end, pitch } of list) {
      const x = this.#x(start);
      const y = ((high - pitch) / (high - low)) * height - row / 2;
      pen.fillRect(x, y, Math.max(LEAST_PIXELS, this.#x(end ?? line) - x - 0.5), row);
    }
  }

  #fit(list) {
    let [low, high] = [127, 0];
    for (const { pitch } of list) [low, high] = [Math.min(low, pitch), Math.max(high, pitch)];
    if (low > high) [low, high] = [60, 60];
    const more = Math.max(0, LEAST_PITCHES - (high - low)) / 2 + MARGIN_PITCHES;
    this.range = [low - more, high + more];
  }

  #x(line) {
    return ((line - this.left) / (this.right - this.left)) * this.width;
  }
}
