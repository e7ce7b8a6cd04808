"""Plans chords with a policy that is stepped once a frame: catch up, answer, imagine ahead, rewind.

Position p of the policy is the frame `base + p`: its step takes melody and chord of the frame before and,
where they are shown, the melody of the frame itself. What is final is stepped once. What lies ahead is
imagined: draw a chord, draw the melody the policy expects, step on, and at last set the cursor back.

What was committed was played, with two exceptions, of which the caller speaks or need not speak. After a jump it says
`cut`, and what it will not play any more is forgotten. A plan that came too late for some of its frames needs nothing:
the caller plays the last change that is due at once, so the chord that the player goes on from is the one that sounds,
and only for how long it has sounded was counted some frames too many.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import fitting_chords
from gapt_core.vocabulary import (
    CHORD_HOLD,
    MELODY_TOKENS,
    NO_CHORD,
    NOTE_ONSET,
    PITCH_COUNT,
    SILENCE,
    sounding_chord,
)
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.sampler import Sampler

ENTRY_FRAMES = 16
"""How far back the first chord looks for what it has to fit."""

HIDDEN = MELODY_TOKENS
"""The `now` of a frame whose melody is not known yet."""

LONGEST_HOLD = 4096
"""Over more frames than this without an answer a chord is not taken to be held."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepInput:
    """What the policy sees of one frame: tokens of the frame before, and of this one or `HIDDEN`."""

    melody: int
    chord: int
    now: int
    metre: tuple[int, int, int]


class Sounded(NamedTuple):
    """The chord token of a frame, and for how many frames, this one included, its chord has sounded."""

    token: int
    frames: int


class Policy(Protocol):
    """The net, one frame at a time. `window` is how far back it hears, `spare` how far it may be set back."""

    window: int
    spare: int

    @property
    def position(self) -> int:
        """Steps taken since `reset`, those set back not counted."""

    def step(self, frame: StepInput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Logits of the chord's actions and of the melody's."""

    def rewind(self, position: int) -> None:
        """Go back to `position`: what was stepped past it never was.

        Raises:
            ValueError: that is more than `spare` steps behind the furthest one.
        """

    def reset(self) -> None:
        """Forget everything."""


class Player:
    """Hears a melody frame by frame and plans chords. Owns `policy`: nobody else may step it.

    What breaks the promises of `plugin_host.accompanist` is mended and logged: this runs while music plays.
    """

    def __init__(self, policy: Policy, sampling: Sampling | None = None) -> None:
        self.window = policy.window
        """How many frames back the policy hears."""
        self._policy = policy
        self._sampler = Sampler(sampling or Sampling())
        self._heard: dict[int, MelodyFrame] = {}
        self._chords: dict[int, Sounded] = {}
        self._final = 0  # `_chords` from here on are what was held for want of an answer
        self._shown = False
        self._base = 0

    def reset(self, sampling: Sampling) -> None:
        """Forget the music."""
        self._sampler = Sampler(sampling)
        self._heard.clear()
        self._chords.clear()
        self._final = 0
        self._shown = False
        self._start_at(0)

    def sample(self, sampling: Sampling) -> None:
        """Draw chords so from now on."""
        self._sampler = Sampler(sampling)

    def cut(self, frame: int) -> None:
        """Forget the chords from `frame` on, and that their frames were stepped; the melody stays heard."""
        self._forget_chords(frame)
        self._final = min(self._final, frame)
        self._set_back(frame)

    def recall(self, shown: bool, frames: Sequence[MelodyFrame], chords: Sequence[tuple[int, int]]) -> None:
        """Hear what another player heard and committed: all of it after `reset`, and then what is new.

        Args:
            shown: whether that player chose its chords with the frame's own melody known.
            frames: consecutive, the newest last.
            chords: (frame, token) in order, perhaps of frames still to come, perhaps of earlier ones that were late.
        """
        self._shown = shown
        if chords:
            self._forget_chords(max(chords[0][0], self._final))
            self._set_back(chords[0][0] + 1)
        for frame, token in chords:
            self._hold_until(frame)
            self._put(frame, token)
        self._final = max(self._final, *(frame + 1 for frame, _ in chords), 0)
        if frames:
            self._hold_until(frames[0].index)
            end = frames[-1].index + 1
            self._heard.update((frame.index, frame) for frame in frames)
            if not self._policy.position:
                self._start_at(max(frames[0].index, end - self.window))
            self._catch_up(end)
            self._forget_before(end - self.window - self._policy.spare)

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next closed frame, and step to it so that the answer after it needs no more than its own step."""
        self._heard[frame.index] = frame
        self._catch_up(frame.index + 1)
        forgotten = frame.index - self.window - self._policy.spare
        self._heard.pop(forgotten, None)
        self._chords.pop(forgotten, None)

    def plan_length(self, request: PlanRequest) -> int:
        """How many frames a plan for `request` has: no more than `policy.spare`, for it has to be taken back."""
        return min(len(request.metres), self._policy.spare)

    def plan(self, request: PlanRequest) -> Plan:
        """Chords for the frames of `request`; the first `commit` of them stand from now on."""
        return [plan for plan in self.plans(request) if plan is not None][-1]

    def plans(self, request: PlanRequest) -> Generator[Plan | None, None, None]:
        """The same step by step: the committed part as soon as it is known, at last the whole, None in between.

        To close it early is to give up what has not come yet. Until it has ended or is closed nothing else may be
        asked of the player.
        """
        began = time.perf_counter()
        self._shown = request.now is not None
        self._forget_chords(max(request.frame, self._final))
        self._set_back(request.frame + 1)
        length = self.plan_length(request)
        commit = min(request.commit, length)
        tokens: list[int] = []
        with contextlib.closing(self._tokens(request, length)) as drawn:
            for token in drawn:
                tokens.append(token)
                if len(tokens) == commit:
                    self._commit(request.frame, tokens)
                done = len(tokens) in (commit, length)
                yield Plan(request.frame, tuple(tokens), commit, time.perf_counter() - began) if done else None
        if not tokens:
            yield Plan(request.frame, (), 0, time.perf_counter() - began)

    def _tokens(self, request: PlanRequest, length: int) -> Generator[int, None, None]:
        if request.play:
            yield from self._imagine(request, length)
            return
        for frame in range(request.frame, request.frame + length):
            yield self._chords[frame].token if frame in self._chords else NO_CHORD

    def _imagine(self, request: PlanRequest, length: int) -> Generator[int, None, None]:
        """Chords of `request`. However it ends, the cursor is behind its first frame, whose step is final."""
        first, now, metres = request.frame, request.now, request.metres[:length]
        self._catch_up(first)
        melody, (chord, held) = self._melody_before(first), self._chord_before(first)
        try:
            for frame, metre in enumerate(metres, start=first):
                logits, expected = self._policy.step(StepInput(melody, chord, HIDDEN if now is None else now, metre))
                committed = self._chords.get(frame)
                if committed is not None:
                    chord = committed.token
                elif request.enters and frame == first:
                    chord = self._sampler.entry(logits, frame, self._fitting(frame, now))
                else:
                    chord = self._sampler.chord(logits, chord, frame, held)
                held = held + 1 if chord >= CHORD_HOLD else 1
                melody = self._sampler.melody(expected, melody, frame) if now is None else now
                now = None
                yield chord
        finally:
            self._policy.rewind(min(first + 1 - self._base, self._policy.position))

    def _fitting(self, frame: int, now: int | None) -> frozenset[int]:
        """Chords for the melody of the last `ENTRY_FRAMES` before `frame`, and of `now` where it is known."""
        tokens = [self._heard[f].melody for f in range(frame - ENTRY_FRAMES, frame) if f in self._heard]
        pitches = [(token - NOTE_ONSET) % PITCH_COUNT for token in [*tokens, now or SILENCE] if token != SILENCE]
        weights = [0.0] * 12
        for pitch in pitches:
            weights[pitch % 12] += 1.0
        if now:
            # What sounds together with the chord must not clash with it.
            weights[(now - NOTE_ONSET) % PITCH_COUNT % 12] += len(pitches)
        return fitting_chords(weights)

    def _commit(self, first: int, tokens: Sequence[int]) -> None:
        for frame, token in enumerate(tokens, start=first):
            self._put(frame, token)
        self._final = max(self._final, first + len(tokens))

    def _catch_up(self, end: int) -> None:
        """Step every frame before `end` as it truly was; where frames are missing, start after the gap."""
        self._set_back(end)
        cursor = first = self._base + self._policy.position
        if first < end:
            first = end
            while first > cursor and first - 1 in self._heard:
                first -= 1
        if first > cursor:
            if self._policy.position:
                logger.warning("frames %d to %d were never heard", cursor, first - 1)
            self._start_at(first)
        for frame in range(first, end):
            heard = self._heard[frame]
            now = heard.melody if self._shown else HIDDEN
            self._policy.step(StepInput(self._melody_before(frame), self._chord_before(frame).token, now, heard.metre))

    def _set_back(self, end: int) -> None:
        """Where the policy is past `end`, set it back, or before everything if that is too far."""
        if end >= self._base + self._policy.position:
            return
        try:
            self._policy.rewind(end - self._base)
        except ValueError:
            known = [frame for frame in self._heard if end - self.window <= frame < end]
            self._start_at(min(known, default=end))

    def _start_at(self, frame: int) -> None:
        self._policy.reset()
        self._base = frame

    def _melody_before(self, frame: int) -> int:
        before = self._heard.get(frame - 1)
        return SILENCE if before is None else before.melody

    def _chord_before(self, frame: int) -> Sounded:
        """The chord of the frame before."""
        self._hold_until(frame)
        return self._chords.get(frame - 1, Sounded(NO_CHORD, 1))

    def _hold_until(self, end: int) -> None:
        """Where no chord is known before `end`, because no answer came, the last one known was held."""
        if end - 1 in self._chords:
            return
        last = max((frame for frame in self._chords if frame < end), default=end)
        if last < end and end - last < LONGEST_HOLD:
            sounding = sounding_chord(self._chords[last].token)
            for frame in range(last + 1, end):
                self._put(frame, NO_CHORD if sounding is None else CHORD_HOLD + sounding)

    def _put(self, frame: int, token: int) -> None:
        sounded = self._chords[frame - 1].frames if token >= CHORD_HOLD and frame - 1 in self._chords else 0
        self._chords[frame] = Sounded(token, sounded + 1)

    def _forget_chords(self, start: int) -> None:
        for frame in [frame for frame in self._chords if frame >= start]:
            del self._chords[frame]

    def _forget_before(self, end: int) -> None:
        self._heard = {index: frame for index, frame in self._heard.items() if index >= end}
        self._chords = {frame: chord for frame, chord in self._chords.items() if frame >= end}
