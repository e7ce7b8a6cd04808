// Puts the parts together: what comes is taken into the state, and each frame of the screen shows the state.

import { Clock, Playhead } from "./clock.js";
import { Controls } from "./controls.js";
import { find, make, mark, write } from "./dom.js";
import { offerBars, offerSession } from "./files.js";
import { hearKeys } from "./keys.js";
import { Link } from "./link.js";
import { barBeats } from "./music.js";
import { Past } from "./past.js";
import { Roll } from "./roll.js";
import { ChordStrip, Panel } from "./stage.js";
import { State } from "./state.js";
import { Veil } from "./veil.js";

const REVIEW_BARS = 16;
const LONGEST_FRAME_SECONDS = 0.25;
const SHARPEST = 2;

const state = new State();
const clock = new Clock();
const playhead = new Playhead();
const canvas = find("roll");
const roll = new Roll(canvas, state);
const past = new Past(find("past"), state);
const strip = new ChordStrip();
const panel = new Panel();
const veil = new Veil(() => link.again());
const files = [offerBars(state), offerSession(state)];
const controls = new Controls({ bar: find("bar"), groups: find("groups"), more: find("rest") }, (name, value) => link.set(name, value));
const link = new Link(clock, take, (how) => {
  document.body.dataset.link = how.state;
  find("desk").inert = how.state !== "open";
  veil.linked(how, state);
});

let frames = 0;
let last = null;
let shown = { line: 0, seconds: 0 };

/** What comes from the bridge. */
function take(message) {
  const again = message.type === "hello" && state.session !== null && message.session !== state.session;
  const before = state.lineAt(clock.seconds());
  state.take(message, clock.seconds());
  if (message.type === "hello") {
    roll.shift(state.lineAt(clock.seconds()) - before);
    welcome(again);
  }
  if (message.type === "parameter") controls.show(message.name, message.value);
  if (message.type === "refused") refused(message);
  if (message.type === "said") say(message.sentence);
  if (message.type === "recording") records();
  if (message.type === "ended") end();
  if (message.type === "status" || message.type === "transport") controls.roll(state.rolling);
}

function welcome(another) {
  playhead.place = null;
  if (another) roll.follow();
  controls.build(state.parameters, state.presets);
  for (const [name, value] of Object.entries(state.values)) controls.show(name, value);
  controls.roll(state.rolling);
  records();
  write(find("version"), state.version ? `GAPT Bridge ${state.version}` : "");
  find("log").replaceChildren();
  state.said.forEach(say);
  canvas.dispatchEvent(new Event("follow"));
}

function end() {
  find("desk").inert = true;
  veil.ended(files[1].keep());
}

function refused({ name, sentence }) {
  if (!controls.refuse(name, sentence, state.values[name])) say(sentence);
}

/** Which file is recorded to. */
function records() {
  write(find("recorded"), state.recording ? `recording to ${state.recording}` : "");
}

function say(sentence) {
  write(find("said"), sentence);
  const log = find("log");
  log.prepend(make("li", {}, sentence));
  while (log.children.length > state.said.length) log.lastChild.remove();
}

/** One picture. */
function draw(now) {
  const elapsed = last === null ? 0 : Math.min(LONGEST_FRAME_SECONDS, (now - last) / 1000);
  last = now;
  const seconds = clock.seconds();
  const line = playhead.advance(state.lineAt(seconds), state.rolling ? state.bpm / 60 : 0, elapsed);
  shown = { line, seconds };
  roll.draw(line, elapsed);
  past.draw(line);
  strip.draw(state, line);
  panel.draw(state, line);
  for (const file of files) file.show();
  frames += 1;
  requestAnimationFrame(draw);
}

function fit() {
  const { clientWidth, clientHeight } = canvas.parentElement;
  const ratio = Math.min(SHARPEST, devicePixelRatio || 1);
  roll.resize(clientWidth, clientHeight, ratio);
  roll.draw(shown.line, 0);
  past.resize(past.canvas.clientWidth, past.canvas.clientHeight, ratio);
  past.draw(shown.line);
  strip.fit();
}

// --- looking back

function follows() {
  find("follow").hidden = roll.follows;
  mark(canvas, "data-is", roll.follows ? "rolling" : "still");
}

function review() {
  if (roll.follows) {
    roll.look(REVIEW_BARS * barBeats(state.metre));
  } else {
    roll.follow();
  }
  follows();
}

function follow() {
  roll.follow();
  follows();
}

function dragRoll() {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    from = event.clientX;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.clientX - from) < 3) return;
    roll.drag(from - event.clientX);
    from = event.clientX;
    follows();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (from = null));
  canvas.addEventListener("wheel", (event) => turn(event), { passive: false });
  canvas.addEventListener("keydown", (event) => step(event));
  canvas.addEventListener("follow", follows);
}

function turn(event) {
  const sideways = event.deltaX || (event.shiftKey ? event.deltaY : 0);
  if (!sideways) return;
  event.preventDefault();
  roll.drag(sideways);
  follows();
}

function step(event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -8, PageDown: 8 };
  const stretches = { "+": 1 / 1.25, "=": 1 / 1.25, "-": 1.25 };
  if (event.key in steps) roll.drag(steps[event.key] * roll.beatWidth);
  else if (event.key in stretches) roll.stretch(stretches[event.key]);
  else if (event.key === "End") roll.follow();
  else return;
  event.preventDefault();
  follows();
}

// --- the page as a whole

function stage() {
  const on = document.body.classList.toggle("only-music");
  mark(find("stage-button"), "aria-pressed", String(on));
}

function help() {
  const dialog = find("help");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

async function stayAwake() {
  // Only where the browser lets us: on this machine, or by https.
  if (document.hidden || !navigator.wakeLock) return;
  await navigator.wakeLock.request("screen").catch(() => null);
}

function calm(wish) {
  roll.still = wish.matches;
}

const wish = matchMedia("(prefers-reduced-motion: reduce)");
wish.addEventListener("change", () => calm(wish));
calm(wish);
const room = new ResizeObserver(fit);
for (const element of [canvas.parentElement, past.canvas]) room.observe(element);
dragRoll();
find("look").addEventListener("click", review);
find("follow").addEventListener("click", follow);
find("stage-button").addEventListener("click", stage);
find("help-button").addEventListener("click", help);
find("explain").addEventListener("change", (event) => document.body.classList.toggle("explained", event.target.checked));
find("desk").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("visibilitychange", stayAwake);
stayAwake();
hearKeys({
  " ": () => controls.press("start"),
  Escape: () => link.set("panic", true),
  b: () => controls.press("bypass"),
  h: () => controls.press("hold"),
  r: () => controls.press("recording"),
  l: review,
  f: stage,
  "?": help,
});

/** For tests and the curious: `gapt.look()` is a copy of what the page knows and shows. */
Object.defineProperty(window, "gapt", {
  value: Object.freeze({
    look: () =>
      structuredClone({
        epoch: clock.ahead - performance.timeOrigin / 1000, // the session's seconds when the browser's time began
        ...{ link: link.state, frames, line: shown.line, seconds: shown.seconds, beats: state.beatsOf(shown.line) },
        ...{ rolling: state.rolling, bpm: state.bpm, metre: state.metre, bar: state.barAt(shown.line), status: state.status },
        ...{ notes: state.notes, sounds: state.sounds, chords: state.chords, plan: state.plan, values: state.values },
        ...{ said: state.said, session: state.session, hellos: state.hellos, stretches: state.stretches },
        view: { left: roll.left, beats: roll.beats, follows: roll.follows, still: roll.still, now: roll.x(shown.line), width: roll.width },
      }),
  }),
});

link.open();
requestAnimationFrame(draw);
