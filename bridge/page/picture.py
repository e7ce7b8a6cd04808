"""What the page shows, from the messages that left: news for those who look on, the whole for those who come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from bridge.controls.parameters import PARAMETERS, Parameter, Value
from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)
from bridge.live.letters import symbol
from bridge.live.view_state import ViewState
from gapt_core.song import Metre

PROTOCOL = 1
BARS = 20
"""How many bars of what was played those see who come later."""
MOST_MESSAGES = 4096
"""Of those bars, however many notes there are in them."""
MOST_SENTENCES = 6

KEPT = ("transport", "note", "sound", "silence", "chord")
"""Kinds of messages that make the picture of what was played."""

Json = dict[str, Any]
Key = tuple[int, int]
"""Channel and pitch."""


class Picture:
    """Takes messages in order; each gives what to tell those who look on."""

    def __init__(self, values: Mapping[str, Value], session: str, version: str) -> None:
        """Nothing played; `values` are those of the parameters, and `session` is another one at every start."""
        self.values = dict(values)
        self._first = dict(values)
        self._session, self._version = session, version
        self._recording: str | None = None
        self._state = ViewState()
        self._anchor = (0.0, 0.0)  # seconds and beats
        self._transport: Json = self._turned(False)
        self._status: Json | None = None
        self._plan: Json = {"type": "plan", "seconds": 0.0, "beats": 0.0, "chords": []}
        self._history = History()
        self._said: deque[str] = deque(maxlen=MOST_SENTENCES)
        self._sounding: set[Key] = set()

    def take(self, message: OutMessage, seconds: float, beats: float) -> Json | None:
        """What is new once `message` has left at `seconds` of the session's clock, the music standing at `beats`."""
        place = self._place(seconds)
        self._state.take(message, seconds)
        if isinstance(message, TransportChanged):
            self._anchor = (seconds, beats if message.rolling else message.due_beats)
            news: Json | None = self._turned(message.jump)
            self._history.go(self._anchor[1] - place if message.jump else 0.0)
        elif isinstance(message, Status):
            self._anchor = (seconds, message.due_beats)
            news = self._fared(message)
            self._history.forget(message.due_beats, BARS * Metre(0.0, *message.metre).bar_beats)
        else:
            news = self._played(message, place)
        if news is None:
            return None
        news["seconds"] = seconds
        if news["type"] in KEPT:
            self._history.keep(news, self._place(seconds))
        return news

    def say(self, sentence: str) -> Json:
        """A sentence for people."""
        self._said.append(sentence)
        return {"type": "said", "sentence": sentence}

    def record(self, file: str | None) -> Json:
        """The name of the file that is recorded to; None for none."""
        self._recording = file
        return {"type": "recording", "file": file}

    def hello(self, seconds: float, presets: Iterable[Json]) -> Json:
        """All there is to see, for one who comes at `seconds`."""
        return {
            "type": "hello",
            "protocol": PROTOCOL,
            "version": self._version,
            "session": self._session,
            "seconds": seconds,
            "parameters": [self._line(parameter) for parameter in PARAMETERS.values()],
            "values": self.values,
            "presets": list(presets),
            "history": self._history.messages(),
            "transport": self._transport,
            "status": self._status,
            "plan": self._plan,
            "said": list(self._said),
            "recording": self._recording,
        }

    def _line(self, parameter: Parameter) -> Json:
        """A line of the table of parameters, for a control to be made of."""
        # Where the table leaves it to the preset, what the session began with is what it said.
        usual = self._first.get(parameter.name) if parameter.default is None else parameter.default
        return {
            "name": parameter.name,
            "kind": parameter.kind,
            "default": usual,
            "low": parameter.low,
            "high": parameter.high,
            "unit": parameter.unit,
            "choices": parameter.choices,
            "help": parameter.help,
            "range": parameter.range,
            "address": parameter.address,
            "option": None if parameter.kind == "trigger" else parameter.option,
            "controller": parameter.kind != "text",
        }

    def _place(self, seconds: float) -> float:
        """Where in the song, in beats, the music is at `seconds`, or stands."""
        return self._state.beats(seconds) if self._state.rolling else self._anchor[1]

    def _turned(self, jump: bool) -> Json:
        seconds, beats = self._anchor
        state = self._state
        self._transport = {
            "type": "transport",
            "seconds": seconds,
            "beats": beats,
            "rolling": state.rolling,
            "bpm": state.bpm,
            "metre": state.metre,
            "bar": state.bar(seconds),
            "jump": jump,
        }
        return self._transport

    def _fared(self, message: Status) -> Json:
        self._turned(False)
        frame_seconds = self._state.frame_seconds
        self._status = {"type": "status", **asdict(message), "beats": message.due_beats, "frame_seconds": frame_seconds}
        return self._status

    def _played(self, message: OutMessage, place: float) -> Json | None:
        match message:
            case MelodyHeard(beats, pitch, velocity, channel):
                return _note("note", beats, (channel, pitch), velocity)
            case PlayNote(beats, pitch, velocity, channel, passed) if not passed:
                self._sounding.add((channel, pitch))
                return _note("sound", beats, (channel, pitch), velocity)
            case EndNote(beats, pitch, channel) if (channel, pitch) in self._sounding:
                self._sounding.remove((channel, pitch))
                return _note("sound", beats, (channel, pitch), 0)
            case Silence():
                self._sounding.clear()
                return {"type": "silence", "beats": place}
            case ChordStarts(beats, _, name, pitches):
                return {"type": "chord", "beats": beats, **_chord(name, pitches)}
            case PlanShown(beats, chords):
                self._plan = {"type": "plan", "beats": beats, "chords": [_planned(chord) for chord in chords]}
                return self._plan
            case ParameterChanged(_, name, value):
                self.values[name] = value
                return {"type": "parameter", "name": name, "value": value}
        return None


class History:
    """The messages of the last bars, in the order in which they were told, whatever the song did meanwhile."""

    def __init__(self) -> None:
        self._messages: deque[tuple[float, Json]] = deque()
        self._begin: Json | None = None
        self._gone = 0.0  # how many beats the song has leapt, so that place less leaps only ever grows

    def keep(self, message: Json, place: float) -> None:
        """Add a message told when the music stood at `place` (beats of the song)."""
        self._messages.append((place - self._gone, message))
        if len(self._messages) > MOST_MESSAGES:
            self._drop()

    def go(self, leap: float) -> None:
        """The song has leapt by so many beats."""
        self._gone += leap

    def forget(self, place: float, beats: float) -> None:
        """Keep what was told within the last so many `beats`, the music standing at `place`."""
        while self._messages and self._messages[0][0] < place - self._gone - beats:
            self._drop()

    def messages(self) -> list[Json]:
        """All of them, before them the last word on the transport from before."""
        return [*([self._begin] if self._begin else []), *(message for _, message in self._messages)]

    def _drop(self) -> None:
        _, message = self._messages.popleft()
        if message["type"] == "transport":
            self._begin = message


def _note(kind: str, beats: float, key: Key, velocity: int) -> Json:
    channel, pitch = key
    return {
        "type": kind,
        "on": velocity > 0,
        "beats": beats,
        "pitch": pitch,
        "velocity": velocity,
        "channel": channel,
    }


def _chord(name: str, pitches: tuple[int, ...]) -> Json:
    return {"name": name, "symbol": symbol(name), "pitches": pitches}


def _planned(chord: PlannedChord) -> Json:
    return {
        "beats": chord.beats,
        "duration": chord.duration_beats,
        "final": chord.final,
        **_chord(chord.name, chord.pitches),
    }
