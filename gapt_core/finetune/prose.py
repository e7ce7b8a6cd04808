"""What the report says around its numbers."""

from __future__ import annotations

from gapt_core.finetune.tuning import ASKED, TIME

HELPED = "It helped. On {songs} songs of yours that it did not learn from, {gained}."
LUCK = " By so few songs that may be luck (p {p})."
DID_NOT = (
    "It did not help, so nothing was changed: `{name}` plays as `{start}` does. On {songs} songs held out, what was "
    "learned does not do what is asked: {why}."
)
NOTHING_CHOSEN = "no weights did so on the songs that choose between them"
STOPPED = {
    ASKED: "You stopped it after {steps}; what had been learned by then was measured.",
    TIME: "Its time was up after {steps}; what had been learned by then was measured. More --minutes give more.",
}
STEPS_OF_BOTH = (
    "{likelihood} of {most_likelihood} steps of maximum likelihood and {gapt} of {most_gapt} of post-training"
)
STEPS_OF_ONE = "{gapt} of {most_gapt} steps of post-training"
WAY_ON = "Play with it: `gapt jam --preset {name}`."

FIGURES = (
    "Each song was played {draws} times a mode, its first {frames} sixteenths at most; `anticipate` chooses a chord "
    "before it hears the note, `react` with it. Differences are means over songs with 95 % bootstrap intervals; p is "
    "that of Wilcoxon's signed-rank test paired by song, two-sided, not corrected for the number of rows. Of Vendi "
    "scores, which say how many different chord tracks the songs seem to have, it is the ratio."
)
CHOSEN = (
    "{whose}: {what}. Chosen among {tried} on the songs that choose between weights; the songs held out were looked "
    "at once, at the end."
)
NO_CHORDS = "There were no chords of yours to copy: it learned from melodies, and from what it played to them."
COPIED = (
    "{more} your songs share among themselves. The longest run of chord changes that a song held out has in common "
    "with one that was learned from, in any key but at the same places in the bar and as long, is {after} changes "
    "after it, {before} before, and {own} in your own chords. After it less your own: {difference}."
)
LISTEN = "Listen to it on songs held out, with plain block chords: {duets}."

SONGS = (
    "From `{start}`; {train} songs to learn from ({own} with chords), {valid} that choose between weights, {held_out}"
    " held out; no group of similar melodies is on two sides."
)
STEPS = (
    "{likelihood} steps of maximum likelihood (of {most_likelihood}), {gapt} of post-training (of {most_gapt}); "
    "strength {strength:g}, seed {seed}, {threads} threads{recipe}."
)
GENTLE = ", the gentle recipe for few songs"
WITH_CHORDS = (
    "{percent:.0f} % of what is learned from are your chords, the rest the anchor's, asked {draws} times a melody. "
    "Every constant stands in the manifest."
)
WITHOUT_CHORDS = (
    "Real to the discriminator are the anchor's chords, asked {draws} times a melody. Every constant stands in the "
    "manifest."
)
