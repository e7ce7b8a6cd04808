"""An accompanist in this process that plays by a script: for tests, and to try the bridge without a policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gapt_core.vocabulary import CHORD_HOLD, NO_CHORD, SILENCE, sounding_chord
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import HostError

Rule = Callable[[int, tuple[int, int, int], int, int], int]
"""(frame, its metre, newest melody token known, chord token before) to the chord token of the frame."""


class ScriptedAccompanist:
    """Answers at once, on the caller's thread, by a rule or from a list of chord tokens (after its end: hold).

    It is strict where a worker process has to be lenient: frames and requests that break the promises of
    `plugin_host.accompanist` raise `HostError`. While `silent` it keeps its answers until `answer` is called. Where a
    plan is longer than what it commits the committed part comes first, and then the whole, unless `twice` is False.
    """

    def __init__(self, script: Rule | Sequence[int]) -> None:
        self._rule = script if callable(script) else _rule_of(script)
        self.fed: list[MelodyFrame] = []
        """Melody frames since the last `reset`."""
        self.requests: list[PlanRequest] = []
        """Requests since the last `reset`."""
        self.resets = 0
        self.cuts: list[int] = []
        """Frames from which chords were taken back since the last `reset`."""
        self.sampling: Sampling | None = None
        """How chords would be drawn."""
        self.preset = ""
        """The preset last swapped in."""
        self.style = ""
        """The style last swapped in."""
        self.restarts = 0
        self.trouble: str | None = None
        """For the test to set: what is wrong, one sentence."""
        self.silent = False
        self.twice = True
        self.closed = False
        self._kept: list[tuple[Plan, Callable[[Plan], None]]] = []
        self._chords: list[int] = []

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next melody frame.

        Raises:
            HostError: it is not the next one.
        """
        if frame.index != len(self.fed):
            raise HostError(f"frame {frame.index} was fed where {len(self.fed)} comes next.")
        self.fed.append(frame)

    def plan(self, request: PlanRequest, deliver: Callable[[Plan], None]) -> None:
        """Answer, or keep the answer while `silent`.

        Raises:
            HostError: frames before are not all fed or this one is committed already, or nothing is to be committed.
        """
        if not len(self._chords) <= request.frame <= len(self.fed) or not 1 <= request.commit <= len(request.metres):
            raise HostError(f"{request} came with {len(self.fed)} frames fed and {len(self._chords)} committed.")
        self.requests.append(request)
        plan = self._answer(request)
        plans = [plan]
        if self.twice and plan.committed < len(plan.tokens):
            plans.insert(0, replace(plan, tokens=plan.tokens[: plan.committed]))
        if self.silent:
            self._kept += [(part, deliver) for part in plans]
            return
        for part in plans:
            deliver(part)

    def answer(self, deliveries: int | None = None) -> None:
        """Deliver what was kept, in order; all of it, or the oldest `deliveries`."""
        count = len(self._kept) if deliveries is None else deliveries
        kept, self._kept = self._kept[:count], self._kept[count:]
        for plan, deliver in kept:
            deliver(plan)

    def reset(self, sampling: Sampling) -> None:
        """Forget the music; answers kept can still be delivered, as from a process that was only slow."""
        self.fed.clear()
        self.requests.clear()
        self.cuts.clear()
        self._chords.clear()
        self.sampling = sampling
        self.resets += 1

    def sample(self, sampling: Sampling) -> None:
        """Remember how; a script is not drawn."""
        self.sampling = sampling

    def cut(self, frame: int) -> None:
        """Take back what was committed from `frame` on.

        Raises:
            HostError: frames count from 0.
        """
        if frame < 0:
            raise HostError(f"There is no frame {frame} to cut.")
        self.cuts.append(frame)
        del self._chords[frame:]

    def swap(self, preset: str, style: str) -> None:
        """Remember which."""
        self.preset, self.style = preset, style

    @property
    def changing(self) -> bool:
        """Never: a swap is done at once."""
        return False

    def close(self) -> None:
        """Remember it."""
        self.closed = True

    def _answer(self, request: PlanRequest) -> Plan:
        while len(self._chords) < request.frame:
            self._chords.append(_held(self._before(self._chords)))
        planned = list(self._chords)
        newest = request.now if request.now is not None else self.fed[-1].melody if self.fed else SILENCE
        for frame, metre in enumerate(request.metres, start=request.frame):
            token = self._rule(frame, metre, newest, self._before(planned)) if request.play else NO_CHORD
            planned.append(token)
        self._chords = planned[: request.frame + request.commit]
        return Plan(request.frame, tuple(planned[request.frame :]), request.commit, 0.0)

    @staticmethod
    def _before(chords: list[int]) -> int:
        return chords[-1] if chords else NO_CHORD


def _held(token: int) -> int:
    chord = sounding_chord(token)
    return NO_CHORD if chord is None else CHORD_HOLD + chord


def _rule_of(tokens: Sequence[int]) -> Rule:
    return lambda frame, metre, newest, before: tokens[frame] if frame < len(tokens) else _held(before)
