"""Standard MIDI Files, read leniently: what a damaged track holds up to the damage is kept.

`mido` refuses a whole file for one broken track or one odd key signature; recordings deserve better.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from gapt_core.errors import SongError

TEXT, TRACK_NAME, LYRIC, MARKER, CUE, END, TEMPO, METRE = 0x01, 0x03, 0x05, 0x06, 0x07, 0x2F, 0x51, 0x58
"""Meta events that mean something here."""

DRUMS = 9
"""The channel of drums, counted from 0."""

_HEADER_SEARCH = 128


@dataclass(frozen=True, slots=True)
class Key:
    """A note-on, or with velocity 0 a note-off; channels count from 0."""

    tick: int
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme change."""

    tick: int
    channel: int
    number: int


@dataclass(frozen=True, slots=True)
class Meta:
    """A meta event."""

    tick: int
    kind: int
    data: bytes

    @property
    def text(self) -> str:
        """The data as text: UTF-8, or else Latin-1."""
        try:
            return self.data.decode("utf-8").strip("\0 \n\r\t")
        except UnicodeDecodeError:
            return self.data.decode("latin-1").strip("\0 \n\r\t")


@dataclass
class Track:
    """One track in file order. `damage` says what ended it early, "" where nothing did."""

    keys: list[Key] = field(default_factory=list)
    programmes: list[Programme] = field(default_factory=list)
    metas: list[Meta] = field(default_factory=list)
    end_tick: int = 0
    damage: str = ""

    @property
    def name(self) -> str:
        """The track's name, "" where it has none."""
        return next((meta.text for meta in self.metas if meta.kind == TRACK_NAME), "")


@dataclass(frozen=True)
class MidiFile:
    """A whole file; a `single` file (format 0) has everything in one track."""

    single: bool
    ticks_per_beat: int
    tracks: tuple[Track, ...]


def parse_midi(data: bytes, name: str) -> MidiFile:
    """The tracks of a Standard MIDI File of format 0 or 1.

    Raises:
        SongError: it is empty, no MIDI file, of format 2 or timed in film frames; `name` begins the sentence.
    """
    start = data.find(b"MThd", 0, _HEADER_SEARCH)
    if not data:
        raise SongError(f"{name} is empty; export it again.")
    if start < 0:
        raise SongError(f"{name} is not a MIDI file; export a Standard MIDI File (.mid) and try again.")
    try:
        length, form, _, division = struct.unpack_from(">IHHH", data, start + 4)
    except struct.error as error:
        raise SongError(f"{name} breaks off inside its header; export it again.") from error
    if form > 1:
        raise SongError(f"{name} is a MIDI file of format {form}; save it as format 0 or 1.")
    if division & 0x8000 or division == 0:
        raise SongError(f"{name} counts film frames (SMPTE) instead of beats; export it with ticks per quarter note.")
    tracks = tuple(_read_track(chunk, missing) for chunk, missing in _track_chunks(data, start + 8 + length))
    return MidiFile(form == 0, division, tracks)


def _track_chunks(data: bytes, place: int) -> Iterator[tuple[bytes, bool]]:
    """The bytes of each track, and whether the file ends before the track does."""
    while place + 8 <= len(data):
        kind, length = struct.unpack_from(">4sI", data, place)
        chunk = data[place + 8 : place + 8 + length]
        if kind == b"MTrk":
            yield chunk, len(chunk) < length
        place += 8 + length


def _read_track(chunk: bytes, missing: bool) -> Track:
    track = Track()
    bytes_left = _Bytes(chunk)
    status = 0
    try:
        while bytes_left.more and not track.damage:
            track.end_tick += bytes_left.number()
            if bytes_left.peek() >= 0x80:
                status = bytes_left.byte()
            if not _read_event(track, bytes_left, status):
                return track
            if status >= 0xF0:
                status = 0
    except EOFError:
        track.damage = "breaks off"
    if missing:
        track.damage = "breaks off"
    return track


def _read_event(track: Track, data: _Bytes, status: int) -> bool:
    """Read one event into `track`; False after the end of the track or of what makes sense."""
    if status == 0xFF:
        kind, payload = data.byte(), data.take_counted()
        if kind != END:
            track.metas.append(Meta(track.end_tick, kind, payload))
        return kind != END
    if status in (0xF0, 0xF7):
        data.take_counted()
        return True
    message, channel = status & 0xF0, status & 0x0F
    payload = data.take(1 if message in (0xC0, 0xD0) else 2)
    if not 0x80 <= status < 0xF0 or max(payload) > 127:
        track.damage = "holds bytes that are no MIDI"
        return False
    if message in (0x80, 0x90):
        velocity = payload[1] if message == 0x90 else 0
        track.keys.append(Key(track.end_tick, channel, payload[0], velocity))
    elif message == 0xC0:
        track.programmes.append(Programme(track.end_tick, channel, payload[0]))
    return True


class _Bytes:
    """A place in the bytes of a track; reading past their end is an EOFError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def more(self) -> bool:
        return self._place < len(self._data)

    def peek(self) -> int:
        if not self.more:
            raise EOFError
        return self._data[self._place]

    def byte(self) -> int:
        value = self.peek()
        self._place += 1
        return value

    def take(self, count: int) -> bytes:
        taken = self._data[self._place : self._place + count]
        if len(taken) < count:
            raise EOFError
        self._place += count
        return taken

    def take_counted(self) -> bytes:
        return self.take(self.number())

    def number(self) -> int:
        """A number of variable length, seven bits a byte, at most four bytes."""
        value = 0
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise EOFError
