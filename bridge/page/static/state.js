// What the messages say, put together: pure data, no page and no clock of its own.
//
// Everything is kept on the *line*: quarter notes that only ever go on. While the song runs straight the line is the
// song's beats; after a jump (a loop, a new start) the new place follows what was heard before. Times are the session's.

import { barBeats, feltBeats } from "./music.js";

export const KEPT_BEATS = 256;
const KEPT_SENTENCES = 50;
const SAME_PLACE_BEATS = 0.05;
const TRIFLE = 1e-6;

export class State {
  constructor() {
    this.parameters = [];
    this.values = {};
    this.presets = [];
    this.said = [];
    this.version = "";
    this.session = null;
    this.recording = null;
    this.status = null;
    this.hellos = 0;
    this.#emptyLine();
  }

  /** Take a message of the bridge; `seconds` is the session's time for one that does not say it. */
  take(message, seconds = message.seconds ?? 0) {
    const take = TAKES[message.type];
    if (take) take.call(this, message, message.seconds ?? seconds);
  }

  /** Where on the line the music is at `seconds`. */
  lineAt(seconds) {
    const { line, seconds: then } = this.anchor;
    return this.rolling ? line + ((seconds - then) * this.bpm) / 60 : line;
  }

  /** Beats of the song at a place of the line. */
  beatsOf(line) {
    return line - this.stretchAt(line).offset;
  }

  /** The stretch of the line, straight and of one metre, that `line` lies in. */
  stretchAt(line) {
    for (let i = this.stretches.length - 1; i > 0; i--) {
      if (this.stretches[i].line <= line + TRIFLE) return this.stretches[i];
    }
    return this.stretches[0];
  }

  /** Bar from 1 and felt beat in it from 1.0, at a place of the line. */
  barAt(line) {
    const { metre, barLine, bar } = this.stretchAt(line);
    const bars = Math.floor((line + TRIFLE - barLine) / barBeats(metre));
    return [bar + bars, 1 + Math.max(0, line - barLine - bars * barBeats(metre)) / feltBeats(metre)];
  }

  /** Bar lines and beats from `from` to `to` of the line: `{line, bar, beat}`, beat 1 is a bar line. */
  grid(from, to) {
    const marks = [];
    this.stretches.forEach((stretch, i) => {
      const begin = Math.max(from, stretch.line);
      const end = Math.min(to, this.stretches[i + 1]?.line ?? Infinity);
      const beat = feltBeats(stretch.metre);
      const perBar = Math.max(1, Math.round(barBeats(stretch.metre) / beat));
      for (let n = Math.ceil((begin - stretch.barLine) / beat - TRIFLE); ; n++) {
        const line = stretch.barLine + n * beat;
        if (!(line < end - TRIFLE)) break;
        marks.push({ line, bar: stretch.bar + Math.floor(n / perBar), beat: 1 + (((n % perBar) + perBar) % perBar) });
      }
    });
    return marks;
  }

  get metre() {
    return this.stretches.at(-1).metre;
  }

  /** How many beats are felt in a bar. */
  get beatsPerBar() {
    return Math.max(1, Math.round(barBeats(this.metre) / feltBeats(this.metre)));
  }

  /** The chord that sounds at a place of the line, or null. */
  chordAt(line) {
    for (let i = this.chords.length - 1; i >= 0; i--) {
      const chord = this.chords[i];
      if (chord.start <= line) return chord.end === null || chord.end > line ? chord : null;
    }
    return null;
  }

  /** The planned chords after a place of the line, in order. */
  toCome(line) {
    return this.plan.filter((chord) => chord.start > line);
  }

  /** Until where on the line the chord that sounds goes on, as far as is known, and whether that is final. */
  goesOn(line) {
    const next = this.plan.find((chord) => chord.start > line);
    if (next) return { end: next.start, final: next.final };
    return { end: this.rolling ? line + (this.values.lookahead ?? 0) : line, final: false };
  }

  /** Whether there is anything to keep as a MIDI file. */
  get heard() {
    return this.notes.length > 0 || this.chords.length > 0;
  }

  #emptyLine() {
    this.rolling = false;
    this.bpm = 120;
    this.known = false; // whether the transport was told yet
    this.anchor = { line: 0, seconds: 0 };
    this.stretches = [{ line: 0, offset: 0, metre: [4, 4], barLine: 0, bar: 1, why: "" }];
    this.notes = [];
    this.sounds = [];
    this.chords = [];
    this.plan = [];
  }

  _hello(hello) {
    this.#emptyLine();
    const { parameters, values, presets, said, version, session, recording } = hello;
    Object.assign(this, { parameters, values: { ...values }, presets, said: [], version, session, recording });
    for (const sentence of said) this._said({ sentence });
    this.status = null;
    this.stretches[0].metre = hello.transport.metre;
    for (const message of hello.history) this.take(message);
    this._transport({ ...hello.transport, jump: false }, hello.transport.seconds);
    this._plan(hello.plan);
    if (hello.status) this._status(hello.status);
    this.hellos += 1;
  }

  _transport(told, seconds) {
    const here = this.known ? this.lineAt(seconds) : Math.max(this.#lastLine(), 0);
    const before = this.stretches.at(-1);
    if (!this.known && !this.heard) {
      this.stretches = [{ ...before, line: told.beats, offset: 0 }];
      this.#count(this.stretches[0], told, told.beats);
    } else if (told.jump) {
      this.#leap(told, here);
    }
    this.known = true;
    const offset = this.stretches.at(-1).offset;
    if (this.rolling && !told.rolling) this.#endAll(told.beats + offset);
    if (!told.rolling) this.plan = [];
    Object.assign(this, { rolling: told.rolling, bpm: told.bpm });
    this.anchor = { line: told.beats + offset, seconds };
    if (told.bar) this.#count(this.stretches.at(-1), told, told.beats + offset);
  }

  /** The music goes on at `told.beats` of the song; on the line that is `here`. */
  #leap(told, place) {
    const here = this.stretches.length === 1 && !this.heard ? told.beats : place;
    this.#endAll(here);
    this.plan = [];
    const why = told.rolling && !this.rolling ? "start" : "jump";
    const stretch = { line: here, offset: here - told.beats, metre: told.metre, barLine: here, bar: 1, why };
    this.#count(stretch, told, here);
    // What was never rolled over is no stretch of its own.
    if (this.stretches.at(-1).line >= here - TRIFLE) this.stretches.pop();
    this.stretches.push(stretch);
  }

  /** Let bars be counted as a message says; where the metre or the count changes on the way, a new stretch begins. */
  #count(stretch, told, line) {
    if (!told.metre) return;
    const [bar, beat] = told.bar ?? countOf(told.beats, told.metre);
    const barLine = line - (beat - 1) * feltBeats(told.metre);
    const fresh = { ...stretch, metre: told.metre, barLine, bar };
    const length = barBeats(told.metre);
    const apart = (barLine - stretch.barLine) / length - (bar - stretch.bar);
    const same = String(stretch.metre) === String(told.metre) && Math.abs(apart) * length < SAME_PLACE_BEATS;
    if (same) return;
    if (stretch.line >= barLine - SAME_PLACE_BEATS || stretch !== this.stretches.at(-1)) Object.assign(stretch, fresh);
    else this.stretches.push({ ...fresh, line: barLine, why: "" });
  }

  _note(message) {
    this.#sound(this.notes, message);
  }

  _sound(message) {
    this.#sound(this.sounds, message);
  }

  #sound(list, { on, beats, pitch, velocity }) {
    const line = beats + this.stretches.at(-1).offset;
    endSound(list, pitch, line);
    if (on) list.push({ start: line, end: null, pitch, velocity });
  }

  _silence(message, seconds) {
    const line = message.beats === undefined ? this.lineAt(seconds) : message.beats + this.stretches.at(-1).offset;
    for (const sound of this.sounds) endOne(sound, line);
    for (const chord of this.chords) endOne(chord, line);
  }

  _chord({ beats, name, symbol, pitches }) {
    const start = beats + this.stretches.at(-1).offset;
    const last = this.chords.at(-1);
    if (last) endOne(last, start);
    if (name !== "N") this.chords.push({ start, end: null, name, symbol, pitches });
  }

  _plan({ chords }) {
    const { offset } = this.stretches.at(-1);
    this.plan = chords.map(({ beats, duration, ...chord }) => {
      const start = beats + offset;
      return { ...chord, start, end: start + duration };
    });
  }

  _status(status) {
    this.status = status;
    this.#forget();
    const { seconds } = status;
    const beats = status.beats ?? status.due_beats;
    if (beats === undefined || seconds === undefined || !this.known) return;
    const line = beats + this.stretches.at(-1).offset;
    Object.assign(this, { rolling: status.playing, bpm: status.bpm });
    this.anchor = { line, seconds };
    if (status.playing) this.#count(this.stretches.at(-1), { beats, metre: status.metre, bar: status.bar }, line);
  }

  _parameter({ name, value }) {
    this.values[name] = value;
  }

  _recording({ file }) {
    this.recording = file;
  }

  _said({ sentence }) {
    this.said.push(sentence);
    if (this.said.length > KEPT_SENTENCES) this.said.shift();
  }

  #endAll(line) {
    for (const list of [this.notes, this.sounds, this.chords]) for (const item of list) endOne(item, line);
  }

  #lastLine() {
    const ends = [...this.notes, ...this.sounds, ...this.chords].map((item) => item.end ?? item.start);
    return ends.reduce((last, line) => Math.max(last, line), this.stretches.at(-1).line);
  }

  #forget() {
    const from = this.anchor.line - KEPT_BEATS;
    const recent = (item) => item.end === null || item.end > from;
    this.notes = this.notes.filter(recent);
    this.sounds = this.sounds.filter(recent);
    this.chords = this.chords.filter(recent);
    while (this.stretches.length > 1 && this.stretches[1].line < from) this.stretches.shift();
  }
}

const TAKES = {
  hello: State.prototype._hello,
  transport: State.prototype._transport,
  note: State.prototype._note,
  sound: State.prototype._sound,
  silence: State.prototype._silence,
  chord: State.prototype._chord,
  plan: State.prototype._plan,
  status: State.prototype._status,
  parameter: State.prototype._parameter,
  said: State.prototype._said,
  recording: State.prototype._recording,
};

function endSound(list, pitch, line) {
  for (let i = list.length - 1; i >= 0; i--) {
    if (list[i].pitch === pitch && list[i].end === null) return endOne(list[i], line);
  }
}

function endOne(item, line) {
  if (item.end === null || item.end > line) item.end = Math.max(line, item.start);
}

function countOf(beats, metre) {
  const bars = Math.floor(beats / barBeats(metre));
  return [bars + 1, 1 + (beats - bars * barBeats(metre)) / feltBeats(metre)];
}
