"""From chord tokens to notes: which chord is in force, what is final and to come, what sounds."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.controls.settings import Counters, Settings
from bridge.engine.ledger import Ledger
from bridge.engine.scheduler import Scheduler
from bridge.engine.strikes import Strike
from bridge.engine.styles import VelocityFollow, style_of
from bridge.events import ChordStarts, EndNote, OutMessage, PlannedChord, PlanShown, PlayNote
from bridge.seams import Voicer
from gapt_core.chords import chord_at
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT, sounding_chord

NO_CHORD_NAME = "N"

TICK_GRACE = 0.25 / FRAMES_PER_BEAT
"""In beats: how long a pattern waits at a grid line for the answer that may change the chord there."""

NEWLY_STRUCK = ("channel", "voicing", "register")
"""Parameters whose change sounds at once: the chord in force is struck anew."""

Pitches = tuple[int, ...]
Place = Callable[[int], tuple[int, int, int]]
"""Frame to (place in the bar, full bar, beat), in frames."""


@dataclass(slots=True)
class _Change:
    """From `frame` on `chord` (an index) is in force, or none."""

    frame: int
    chord: int | None
    pitches: Pitches


class Harmony:
    """The chords of a session: a part of the engine, called by nothing else.

    Final chords wait as changes in frames; notes are made of a change when its moment comes, so that whatever is set
    until then counts.
    """

    def __init__(self, voicer: Voicer, settings: Settings, counters: Counters, place: Place) -> None:
        self._voicer = voicer
        self._settings = settings
        self._counters = counters
        self._place = place
        self._force = VelocityFollow()
        self._style = style_of(settings.voicing)
        self._changes: deque[_Change] = deque()
        self._shown: tuple[PlannedChord, ...] = ()
        self._notes = Scheduler()
        self._ledger = Ledger()
        self._now = _Change(0, None, ())
        self._told = False  # whether the chord last announced has not been called off
        self._tick: int | None = None
        self._answered = 0
        self._bpm = settings.tempo

    @property
    def held(self) -> bool:
        """Whether the chord in force is meant to stay."""
        return self._settings.hold and self._now.chord is not None

    # --- what is to come

    def take(self, frame: int, tokens: Sequence[int], now_beats: float) -> None:
        """Keep what the final `tokens` of the frames from `frame` on change.

        A chord starts on the grid line of its frame, and so at once where that is past. Of several whose lines are
        past only the last is in force; the others are left out.
        """
        now = now_beats * FRAMES_PER_BEAT
        changes = self._changes_of(frame, tokens)
        past = max(0, sum(change.frame <= now for change in changes) - 1)
        self._counters.skipped += past
        self._answered = frame + len(tokens)
        for change in changes[past:]:
            self._changes.append(change)
            self._counters.chords += change.chord is not None
            self._counters.late += change.chord is not None and now > change.frame + 1

    def show(self, frame: int, tokens: Sequence[int], now_beats: float) -> list[OutMessage]:
        """What is final and to come, and what `tokens` from `frame` on would bring; nothing where it is not news."""
        final = [change for change in self._changes if change.frame > now_beats * FRAMES_PER_BEAT]
        planned = [*final, *self._changes_of(frame, tokens)]
        ends = [*(change.frame for change in planned[1:]), frame + len(tokens)]
        chords = tuple(
            PlannedChord(
                change.frame / FRAMES_PER_BEAT,
                (end - change.frame) / FRAMES_PER_BEAT,
                NO_CHORD_NAME if change.chord is None else chord_at(change.chord).name,
                change.pitches,
                number < len(final),
            )
            for number, (change, end) in enumerate(zip(planned, ends, strict=False))
        )
        if chords == self._shown:
            return []
        self._shown = chords
        return [PlanShown(now_beats, chords)]

    def rest(self, frame: int) -> bool:
        """End the chord in force at `frame`; False where none is."""
        sounding = self._last().chord is not None
        if sounding:
            self._changes.append(_Change(frame, None, ()))
        return sounding

    def keep(self) -> None:
        """Drop what was to come: the chord in force goes on."""
        self._changes.clear()

    def strike_anew(self, frame: int) -> None:
        """Strike the chord in force once more at `frame`, as is set by then; or the next one, if that comes sooner."""
        if self._now.chord is not None and not any(change.frame <= frame for change in self._changes):
            self._changes.appendleft(_Change(frame, self._now.chord, ()))

    # --- what is set

    def configure(self, settings: Settings, frame: int, now_beats: float) -> list[OutMessage]:
        """Play by `settings` from now on; `frame` is the first whose line is to come. What leaves at once."""
        before, self._settings = self._settings, settings
        out: list[OutMessage] = []
        if any(before.value(name) != settings.value(name) for name in NEWLY_STRUCK):
            self._changes = deque(_Change(change.frame, change.chord, ()) for change in self._changes)
            self.strike_anew(frame)
        if before.channel != settings.channel:
            out += self._end_all(now_beats)
        if settings.bypass and not before.bypass:
            out += self.silence(now_beats)
        elif before.bypass and not settings.bypass:
            self.strike_anew(frame)
        return out

    def hear(self, velocity: int) -> None:
        """The player struck a note so hard: for `velocity_follow`."""
        self._force.hear(velocity)

    def set_tempo(self, bpm: float) -> None:
        """The tempo, for what is laid out in seconds."""
        self._bpm = bpm

    # --- what is due

    def next_beats(self) -> float:
        """When something is next due; infinity where nothing is."""
        line = self._changes[0].frame / FRAMES_PER_BEAT if self._changes else math.inf
        return min(line, self._notes.next_beats(), self._tick_beats())

    def act(self) -> list[OutMessage]:
        """Do what is due next; what leaves now."""
        due = self.next_beats()
        if self._changes and self._changes[0].frame / FRAMES_PER_BEAT <= due:
            return self._begin(self._changes.popleft())
        if self._notes.next_beats() <= due:
            return self._release(self._notes.pop())
        self._go_on()
        return []

    def silence(self, now_beats: float) -> list[OutMessage]:
        """End what sounds, at once. The chord stays in force: only the next one is heard again."""
        ends = self._end_all(now_beats)
        self._tick = None
        if not self._told:
            return ends
        self._told = False
        return [*ends, ChordStarts(now_beats, int(now_beats * FRAMES_PER_BEAT), NO_CHORD_NAME, ())]

    def clear(self, now_beats: float) -> list[OutMessage]:
        """Forget the music and what was to come; returns what has to be sent so that nothing sounds.

        A chord that is held stays in force, to be struck anew.
        """
        out = self.silence(now_beats)
        self._changes.clear()
        if not self.held:
            self._now = _Change(0, None, self._now.pitches)
        if self._shown:
            self._shown = ()
            out.append(PlanShown(now_beats, ()))
        return out

    def _changes_of(self, frame: int, tokens: Sequence[int]) -> list[_Change]:
        """Wherever `tokens` begin or end a chord; a hold of what is not in force begins it."""
        changes = []
        last = self._last()
        for at, token in enumerate(tokens, start=frame):
            begins = CHORD_ONSET <= token < CHORD_HOLD
            chord = sounding_chord(token)
            if begins or chord != last.chord:
                last = _Change(at, chord, self._voiced(chord, last.pitches))
                changes.append(last)
        return changes

    def _last(self) -> _Change:
        return self._changes[-1] if self._changes else self._now

    def _voiced(self, chord: int | None, led_from: Pitches) -> Pitches:
        """The pitches of `chord`; a rest keeps the voicing that the next chord is led from."""
        if chord is None:
            return led_from
        return self._voicer.voice(chord_at(chord), led_from, self._settings.register, self._settings.voicing)

    def _begin(self, change: _Change) -> list[OutMessage]:
        """End the chord before `change` and lay out its own."""
        due = change.frame / FRAMES_PER_BEAT
        self._style = style_of(self._settings.voicing)
        pitches = change.pitches or self._voiced(change.chord, self._now.pitches)
        self._now = _Change(change.frame, change.chord, pitches)
        self._tick = None
        if self._settings.bypass:
            return []
        tied = self._tied(pitches if change.chord is not None else ())
        out = self._end_all(due, tied)
        self._told = change.chord is not None
        if change.chord is None:
            return [*out, ChordStarts(due, change.frame, NO_CHORD_NAME, ())]
        self._tick = change.frame + 1
        strikes = self._style.strike(pitches, self._place(change.frame), self._bpm)
        self._lay([strike for strike in strikes if strike.pitch not in tied], due)
        return [*out, ChordStarts(due, change.frame, chord_at(change.chord).name, pitches)]

    def _tied(self, pitches: Pitches) -> frozenset[int]:
        """What sounds already and goes on sounding in a chord of `pitches`."""
        if not self._style.ties:
            return frozenset()
        return frozenset(p for p in pitches if self._ledger.sounds(self._settings.midi_channel, p))

    def _go_on(self) -> None:
        """The pattern of the chord in force at the frame whose tick is due."""
        assert self._tick is not None
        frame, self._tick = self._tick, self._tick + 1
        since = frame - self._now.frame
        self._lay(self._style.tick(self._now.pitches, since, self._place(frame)), frame / FRAMES_PER_BEAT)

    def _tick_beats(self) -> float:
        if self._tick is None:
            return math.inf
        line = self._tick / FRAMES_PER_BEAT
        return line if self._tick < self._answered or self.held else line + TICK_GRACE

    def _lay(self, strikes: Sequence[Strike], line: float) -> None:
        force = self._force.velocity(self._settings.velocity, self._settings.velocity_follow)
        for strike in strikes:
            due = line + strike.offset_beats
            velocity = max(1, min(127, round(force * strike.velocity_scale)))
            channel = self._settings.midi_channel
            self._notes.put(PlayNote(due, strike.pitch, velocity, channel))
            if strike.duration_beats is not None:
                self._notes.put(EndNote(due + strike.duration_beats, strike.pitch, channel))

    def _release(self, message: OutMessage) -> list[OutMessage]:
        """A note whose time has come: what sounds already ends first, and what does not sound has no end."""
        assert isinstance(message, (PlayNote, EndNote))
        sounds = self._ledger.sounds(message.channel, message.pitch)
        out: list[OutMessage] = [EndNote(message.due_beats, message.pitch, message.channel)] if sounds else []
        if isinstance(message, PlayNote):
            out.append(message)
        for each in out:
            self._ledger.record(each)
        return out

    def _end_all(self, due: float, tied: frozenset[int] = frozenset()) -> list[OutMessage]:
        """Drop the notes laid out and end those that sound, but for the `tied` pitches."""
        self._notes.clear()
        ends: list[OutMessage] = []
        for channel, pitch in self._ledger.sounding():
            if pitch not in tied:
                end = EndNote(due, pitch, channel)
                self._ledger.record(end)
                ends.append(end)
        return ends
