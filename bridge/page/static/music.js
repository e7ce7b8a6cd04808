// What musicians write: chord symbols, notes, bars and beats. Knows no page.

const PITCHES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** Name and octave of a MIDI pitch; 60 is C4. */
export function pitchName(pitch) {
  return PITCHES[pitch % 12] + (Math.floor(pitch / 12) - 1);
}

/** A symbol such as `Bbm7b5` as root and the rest, `B♭` and `m7♭5`; no chord is a dash. */
export function symbolParts(symbol) {
  const match = /^([A-G])([#b]?)(.*)$/.exec(symbol || "");
  if (!match) return { root: "–", rest: "" };
  return { root: match[1] + signs(match[2]), rest: signs(match[3]) };
}

/** A text in pieces, sharps and flats apart: few fonts have them bold. */
export function signsApart(text) {
  return text.split(/([♯♭])/).filter(Boolean).map((piece) => ({ text: piece, sign: piece === "♯" || piece === "♭" }));
}

function signs(text) {
  return text.replaceAll("#", "♯").replace(/b(?=$|\d)/g, "♭");
}

/** Length of a bar of a metre such as [6, 8], in quarter notes. */
export function barBeats([numerator, denominator]) {
  return (numerator * 4) / denominator;
}

/** Length of a felt beat in quarter notes: a dotted one in 6/8, 9/8 and 12/8. */
export function feltBeats([numerator, denominator]) {
  const compound = denominator >= 8 && numerator % 3 === 0 && numerator > 3;
  return ((compound ? 3 : 1) * 4) / denominator;
}

/** What a count-in says of a chord that is `beats` felt beats away. */
export function countdown(beats) {
  if (beats <= 0.5) return "½";
  return String(Math.ceil(beats - 1e-6));
}
