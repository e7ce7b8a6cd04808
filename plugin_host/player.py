"""Plans chords with a policy that is stepped once a frame: catch up, answer, imagine ahead, rewind.

Position p of the policy is the frame `base + p`: its step takes melody and chord of the frame before and,
where they are shown, the melody of the frame itself. What is final is stepped once. What lies ahead is
imagined: draw a chord, draw the melody the policy expects, step on, and at last set the cursor back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gapt_core.vocabulary import CHORD_HOLD, MELODY_TOKENS, NO_CHORD, SILENCE, sounding_chord
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.sampler import Sampler

HIDDEN = MELODY_TOKENS
"""The `now` of a frame whose melody is not known yet."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StepInput:
    """What the policy sees of one frame: tokens of the frame before, and of this one or `HIDDEN`."""

    melody: int
    chord: int
    now: int
    metre: tuple[int, int, int]


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
        self._policy = policy
        self._sampler = Sampler(sampling or Sampling())
        self._heard: dict[int, MelodyFrame] = {}
        self._chords: dict[int, int] = {}
        self._shown = False
        self._base = 0

    def reset(self, sampling: Sampling) -> None:
        """Forget the music."""
        self._sampler = Sampler(sampling)
        self._heard.clear()
        self._chords.clear()
        self._shown = False
        self._start_at(0)

    def recall(self, shown: bool, frames: Sequence[MelodyFrame], chords: Sequence[tuple[int, int]]) -> None:
        """Hear again what an earlier player heard and committed; to be called after `reset`.

        Args:
            shown: whether that player chose its chords with the frame's own melody known.
            frames: consecutive, the newest last.
            chords: (frame, token), perhaps of frames still to come.
        """
        self._shown = shown
        self._chords.update(chords)
        self._heard.update((frame.index, frame) for frame in frames)
        if frames:
            end = frames[-1].index + 1
            self._start_at(max(frames[0].index, end - self._policy.window))
            self._catch_up(end)

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next closed frame, and step to it so that the answer after it needs no more than its own step."""
        self._heard[frame.index] = frame
        self._catch_up(frame.index + 1)
        forgotten = frame.index - self._policy.window - self._policy.spare
        self._heard.pop(forgotten, None)
        self._chords.pop(forgotten, None)

    def plan(self, request: PlanRequest) -> Plan:
        """Chords for the frames of `request`; the first `commit` of them stand from now on.

        A plan is at most `policy.spare` frames long.
        """
        began = time.perf_counter()
        self._shown = request.now is not None
        metres = request.metres[: self._policy.spare]
        if request.play and metres:
            self._catch_up(request.frame)
            tokens = self._imagine(request.frame, request.now, metres)
        else:
            tokens = [self._chords.get(request.frame + offset, NO_CHORD) for offset in range(len(metres))]
        committed = min(request.commit, len(tokens))
        self._chords.update((request.frame + offset, tokens[offset]) for offset in range(committed))
        return Plan(request.frame, tuple(tokens), committed, time.perf_counter() - began)

    def _imagine(self, first: int, now: int | None, metres: Sequence[tuple[int, int, int]]) -> list[int]:
        """Chords from frame `first` on. The cursor ends behind `first`, whose step is final."""
        melody, chord = self._melody_before(first), self._chord_before(first)
        held = self._held_before(first)
        tokens: list[int] = []
        for frame, metre in enumerate(metres, start=first):
            logits, expected = self._policy.step(StepInput(melody, chord, HIDDEN if now is None else now, metre))
            committed = self._chords.get(frame)
            chord = self._sampler.chord(logits, chord, frame, held) if committed is None else committed
            held = held + 1 if chord >= CHORD_HOLD else 1
            melody = self._sampler.melody(expected, melody, frame) if now is None else now
            now = None
            tokens.append(chord)
        self._policy.rewind(first + 1 - self._base)
        return tokens

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
            self._policy.step(StepInput(self._melody_before(frame), self._chord_before(frame), now, heard.metre))

    def _set_back(self, end: int) -> None:
        """Where the policy is past `end`, set it back, or before everything if that is too far."""
        if end >= self._base + self._policy.position:
            return
        try:
            self._policy.rewind(end - self._base)
        except ValueError:
            known = [frame for frame in self._heard if end - self._policy.window <= frame < end]
            self._start_at(min(known, default=end))

    def _start_at(self, frame: int) -> None:
        self._policy.reset()
        self._base = frame

    def _held_before(self, frame: int) -> int:
        """For how many frames, as far as remembered, the chord before `frame` has sounded."""
        start = frame - 1
        while self._chords.get(start, NO_CHORD) >= CHORD_HOLD:
            start -= 1
        return frame - start

    def _melody_before(self, frame: int) -> int:
        before = self._heard.get(frame - 1)
        return SILENCE if before is None else before.melody

    def _chord_before(self, frame: int) -> int:
        """The chord token of the frame before; one that was never answered for was held."""
        if frame - 1 not in self._chords:
            sounding = sounding_chord(self._chords.get(frame - 2, NO_CHORD))
            self._chords[frame - 1] = NO_CHORD if sounding is None else CHORD_HOLD + sounding
        return self._chords[frame - 1]
