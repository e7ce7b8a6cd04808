"""What the bridge remembers of a piece, so that a new worker can be told what the old one heard and played."""

from __future__ import annotations

from collections import deque

from gapt_core.vocabulary import CHORD_HOLD
from plugin_host.accompanist import MelodyFrame, Plan, Sampling
from plugin_host.protocol import Recall

REMEMBERED_FRAMES = 4096


class History:
    """The frames heard, the chords committed, how chords are drawn, and whether frames were shown (`react`)."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.shown = False
        self._frames: deque[MelodyFrame] = deque(maxlen=REMEMBERED_FRAMES)
        self._chords: dict[int, int] = {}

    def feed(self, frame: MelodyFrame) -> None:
        """Keep a frame."""
        self._frames.append(frame)

    def commit(self, plan: Plan) -> tuple[tuple[int, int], ...]:
        """Keep what a plan made final; (frame, token) of it."""
        chords = tuple(enumerate(plan.tokens[: plan.committed], start=plan.frame))
        for frame, token in chords:
            self._chords[frame] = token
            if len(self._chords) > REMEMBERED_FRAMES:
                del self._chords[next(iter(self._chords))]
        return chords

    def cut(self, frame: int) -> None:
        """Forget the chords from `frame` on."""
        for later in [at for at in self._chords if at >= frame]:
            del self._chords[later]

    def recall(self, window: int) -> Recall:
        """The last `window` frames, and the chords from the beginning of the one that sounds where they begin."""
        frames = tuple(self._frames)[-window:]
        first = frames[0].index - 1 if frames else 0
        chords: list[tuple[int, int]] = []
        for frame, token in reversed(self._chords.items()):
            chords.append((frame, token))
            if frame <= first and token < CHORD_HOLD:
                break
        return Recall(self.shown, frames, tuple(reversed(chords)))
