"""As much of REAPER as our script needs, held to the signatures of its ReaScript reference.

Source: reaper.fm/sdk/reascript/reascripthelp.html, functions of Lua; REAPER brings Lua 5.3 (version 6) or 5.4 (7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lua_host import Function, HostError, run

NUMBERS = {"I_RECINPUT", "I_RECMODE", "I_RECMON", "I_RECARM", "I_MIDIHWOUT", "IP_TRACKNUMBER"}
"""Attributes of a track that are numbers, of those in the reference."""


@dataclass
class MediaTrack:
    """A track: its name, its numbers, its effects."""

    name: str = ""
    numbers: dict[str, float] = field(default_factory=lambda: {"I_RECINPUT": -1.0, "I_MIDIHWOUT": -1.0})
    effects: list[str] = field(default_factory=list)


@dataclass
class Reaper:
    """A project, and what the script said and asked.

    Attributes:
        inputs: names of MIDI devices by number; None where a number has no device now.
        answers: what the user types when asked, in turn; None cancels.
        installed: effects that can be had.
    """

    inputs: list[str | None]
    outputs: list[str | None]
    tracks: list[MediaTrack] = field(default_factory=list)
    selected: list[MediaTrack] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    installed: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    depth: int = 0
    frozen: int = 0

    def run(self, script: Path, version: str = "5.4") -> None:
        """Run a script of ours to its end, and see that it leaves nothing open."""
        run(script, "reaper", self.functions, version)
        if self.depth or self.frozen:
            raise HostError("an undo block or a stopped refresh is left open")

    @property
    def functions(self) -> dict[str, Function]:
        """What a script can call."""
        return {
            "CountTracks": Function(("project",), lambda project: len(self.tracks)),
            "GetMIDIInputName": Function(("integer", "string"), lambda dev, name: _device(self.inputs, dev)),
            "GetMIDIOutputName": Function(("integer", "string"), lambda dev, name: _device(self.outputs, dev)),
            "GetMediaTrackInfo_Value": Function(("MediaTrack", "string"), self._number),
            "GetNumMIDIInputs": Function((), lambda: len(self.inputs)),
            "GetNumMIDIOutputs": Function((), lambda: len(self.outputs)),
            "GetSelectedTrack": Function(("project", "integer"), lambda project, index: _at(self.selected, index)),
            "GetSetMediaTrackInfo_String": Function(("MediaTrack", "string", "string", "boolean"), self._text),
            "GetTrack": Function(("project", "integer"), lambda project, index: _at(self.tracks, index)),
            "GetTrackName": Function(("MediaTrack",), lambda track: (True, track.name or "Track")),
            "GetUserInputs": Function(("string", "integer", "string", "string"), self._ask),
            "InsertTrackAtIndex": Function(("integer", "boolean"), self._insert),
            "PreventUIRefresh": Function(("integer",), self._freeze),
            "SetMediaTrackInfo_Value": Function(("MediaTrack", "string", "number"), self._set),
            "ShowMessageBox": Function(("string", "string", "integer"), self._say),
            "TrackFX_AddByName": Function(("MediaTrack", "string", "boolean", "integer"), self._effect),
            "TrackList_AdjustWindows": Function(("boolean",), lambda minor: None),
            "Undo_BeginBlock": Function((), lambda: self._undo(1)),
            "Undo_EndBlock": Function(("string", "integer"), lambda words, flags: self._undo(-1, words)),
        }

    def _number(self, track: MediaTrack, name: str) -> float:
        if name == "IP_TRACKNUMBER":
            return float(self.tracks.index(track) + 1)
        return track.numbers[_known(name)]

    def _set(self, track: MediaTrack, name: str, value: float) -> bool:
        self._changes()
        track.numbers[_known(name)] = float(value)
        return True

    def _text(self, track: MediaTrack, name: str, value: str, new: bool) -> tuple[bool, str]:
        self._changes()
        if name != "P_NAME":
            raise HostError(f"a track has no text {name}")
        track.name = value if new else track.name
        return True, track.name

    def _insert(self, place: int, defaults: bool) -> None:
        self._changes()
        self.tracks.insert(place, MediaTrack())

    def _effect(self, track: MediaTrack, name: str, recording: bool, instantiate: int) -> int:
        self._changes()
        if name not in self.installed:
            return -1
        if instantiate != 1 or name not in track.effects:
            track.effects.append(name)
        return len(track.effects) - 1 - track.effects[::-1].index(name)

    def _ask(self, title: str, count: int, captions: str, values: str) -> tuple[bool, str]:
        fields = [caption for caption in captions.split(",") if "=" not in caption]
        if not len(fields) == count == len(values.split(",")):
            raise HostError(f"{count} inputs, captions {captions}, values {values}")
        answer = self.answers.pop(0)
        return answer is not None, values if answer is None else answer

    def _say(self, words: str, title: str, kind: int) -> int:
        self.said.append(words)
        return 1

    def _freeze(self, more: int) -> None:
        self.frozen += more

    def _undo(self, more: int, words: str = "") -> None:
        self.depth += more
        self.undo += [words] if words else []

    def _changes(self) -> None:
        if self.depth != 1:
            raise HostError("a change outside of an undo block")


def _known(name: str) -> str:
    if name not in NUMBERS:
        raise HostError(f"a track has no number {name}")
    return name


def _device(names: list[str | None], index: int) -> tuple[bool, str]:
    name = names[index] if 0 <= index < len(names) else None
    return name is not None, name or ""


def _at(tracks: list[MediaTrack], index: int) -> MediaTrack | None:
    return tracks[index] if 0 <= index < len(tracks) else None
