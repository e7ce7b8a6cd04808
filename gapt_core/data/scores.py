"""ABC and MusicXML in, through `music21` of the `scores` extra, which is imported when it is needed.

Repeat signs are not unrolled, and a pickup stays a short first bar.
"""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from gapt_core.chords import nearest_chord
from gapt_core.data.abc_text import AbcTune, decode_abc, tunes_in
from gapt_core.data.reading import MAX_BEATS, ReadResult, top_line
from gapt_core.errors import SongError
from gapt_core.song import Bar, ChordEvent, Metre, Note, Song, Tempo, bars_from_metres

DEFAULT_BPM = 120.0
LARGEST_SCORE = 64 * 2**20
"""The largest unpacked score that is read, in bytes."""

_SCORES = (".xml", ".musicxml")

# Whatever a parser written for sound input may raise on unsound input.
_PARSER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_abc(path: Path) -> ReadResult:
    """The songs of an ABC tune book, one a tune; tunes that cannot be read are named in the repairs.

    Raises:
        SongError: the file cannot be read, none of its tunes can, or `music21` is not installed.
    """
    songs: list[Song] = []
    repairs: list[str] = []
    _music21(path)
    for tune in tunes_in(decode_abc(_bytes_of(path))):
        name = f"tune {tune.number} '{tune.title}'"
        try:
            song, repaired = _song(_parse(tune.text, "abc", path), tune.title or path.stem, path)
        except SongError as error:
            repairs.append(f"{name} {_reason(error, path)}")
        else:
            songs.append(song)
            repairs += [f"{name}: {repair}" for repair in (*repaired, *_dropped(tune))]
    if not songs:
        reason = "; ".join(repairs[:2]) or "it has no tune (no line that begins with X:)"
        raise SongError(f"{path} has nothing to use: {reason}.")
    return ReadResult(tuple(songs), tuple(repairs), (f"{len(songs)} tunes" if len(songs) > 1 else "one tune",))


def read_musicxml(path: Path) -> ReadResult:
    """The song of a MusicXML score, plain or compressed (`.mxl`): the top line of its melody part, and its chords.

    Raises:
        SongError: the file cannot be read or has no notes, or `music21` is not installed.
    """
    data = _bytes_of(path)
    text = _unzip(data, path) if data[:2] == b"PK" else data
    score = _parse(_checked_xml(text, path), "musicxml", path)
    song, repairs = _song(score, _title(score) or path.stem, path)
    return ReadResult((song,), repairs, (f"part {_melody_part(score)[1]}",))


def _dropped(tune: AbcTune) -> Iterator[str]:
    if tune.dropped:
        names = ", ".join(repr(name) for name in dict.fromkeys(tune.dropped[:3]))
        yield f"no chord symbols: {names}"


def _reason(error: SongError, path: Path) -> str:
    return str(error).removeprefix(f"{path} ").rstrip(".")


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SongError(f"{path} cannot be read ({error.strerror}); check the name and the permissions.") from error


def _unzip(data: bytes, path: Path) -> bytes:
    """The score in a compressed MusicXML file: the one its container names, or else the first that looks like one."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in _rootfiles(archive) if name in archive.namelist()]
            names += [name for name in archive.namelist() if name.endswith(_SCORES) and not name.startswith("META-INF")]
            if not names or archive.getinfo(names[0]).file_size > LARGEST_SCORE:
                raise SongError(f"{path} holds no score of a size that is read; export it again as MusicXML.")
            return archive.read(names[0])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise SongError(f"{path} is a damaged compressed score ({error}); export it again as MusicXML.") from error


def _rootfiles(archive: zipfile.ZipFile) -> list[str]:
    """What the container names; nothing where it is missing or broken, as an apostrophe in a title makes some."""
    try:
        container = ElementTree.fromstring(archive.read("META-INF/container.xml"))
    except (KeyError, ElementTree.ParseError):
        return []
    return [node.get("full-path", "") for node in container.iter()]


def _checked_xml(data: bytes, path: Path) -> str:
    """The text of a partwise score, in UTF-8."""
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SongError(f"{path} is not well-formed XML ({error}); export it again as MusicXML.") from error
    if root.tag != "score-partwise":
        raise SongError(f"{path} is a '{root.tag}', not a MusicXML score by parts; export it as score-partwise.")
    return ElementTree.tostring(root, encoding="unicode")


def _parse(text: str, form: str, path: Path) -> Any:
    music21 = _music21(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = music21.converter.parseData(text, format=form)
            return score if form == "abc" else score.toSoundingPitch()
    except (music21.exceptions21.Music21Exception, *_PARSER_ERRORS) as error:
        raise SongError(
            f"{path} is not understood by music21 ({' '.join(str(error).split()) or type(error).__name__})."
        ) from error


def _music21(path: Path) -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import music21
    except ImportError as error:
        raise SongError(
            f'{path} needs a reader of scores; install it with: pip install "gapt-bridge[scores]"'
        ) from error
    music21.environment.Environment()["warnings"] = 0
    return music21


def _song(score: Any, title: str, path: Path) -> tuple[Song, tuple[str, ...]]:
    """The song of a parsed score, and what had to be repaired."""
    part, _ = _melody_part(score)
    line = part.stripTies().flatten()
    written = [note for element in line.notes for note in _notes(element)]
    notes = top_line(written)
    if not notes:
        raise SongError(f"{path} has no notes.")
    if notes[-1].end_beats > MAX_BEATS:
        raise SongError(f"{path} is longer than the {MAX_BEATS:.0f} beats that are read; cut it up.")
    metres = _metres(line)
    bars = _bars(part) or bars_from_metres(metres, notes[-1].end_beats)
    song = Song(
        title=title,
        notes=notes,
        chords=_chords(score),
        metres=metres,
        bars=bars,
        tempos=_tempos(score),
        end_beats=max(bars[-1].onset_beats + bars[-1].duration_beats, notes[-1].end_beats),
        source=str(path),
    )
    under = len(written) - len(notes)
    repair = f"polyphonic: {under} of {len(written)} notes lie under another and are left out"
    return song, (repair,) if under else ()


def _melody_part(score: Any) -> tuple[Any, str]:
    """The first part with notes, and its name or number; a voice part where one is named so."""
    parts = list(getattr(score, "parts", [])) or [score]
    labelled = [(part, str(part.partName or number)) for number, part in enumerate(parts, start=1)]
    sounding = [(part, name) for part, name in labelled if any(_is_note(element) for element in part.recurse().notes)]
    sung = [
        (part, name) for part, name in sounding if any(word in name.lower() for word in ("voice", "vocal", "melody"))
    ]
    return (sung or sounding or labelled)[0]


def _is_note(element: Any) -> bool:
    return bool(element.isNote or element.isChord) and "ChordSymbol" not in element.classes


def _notes(element: Any) -> Iterator[Note]:
    """The notes of one music21 note or chord; none for grace notes and chord symbols."""
    if not _is_note(element) or element.duration.isGrace:
        return
    for pitch in element.pitches:
        if 0 <= pitch.midi <= 127:
            yield Note(float(element.offset), float(element.quarterLength), int(pitch.midi))


def _chords(score: Any) -> tuple[ChordEvent, ...] | None:
    """Chord symbols by their beats, the last of each moment; None where there are none."""
    events: dict[float, ChordEvent] = {}
    for symbol in score.flatten().getElementsByClass("Harmony"):
        if "NoChord" in symbol.classes:
            events[float(symbol.offset)] = ChordEvent(float(symbol.offset), None)
        elif symbol.pitches:
            chord = nearest_chord(symbol.root().pitchClass, [pitch.pitchClass for pitch in symbol.pitches])
            events[float(symbol.offset)] = ChordEvent(float(symbol.offset), chord)
    return tuple(sorted(events.values(), key=lambda event: event.onset_beats)) or None


def _metres(line: Any) -> tuple[Metre, ...]:
    metres = {0.0: Metre(0.0, 4, 4)}
    for signature in line.getElementsByClass("TimeSignature"):
        onset = float(signature.offset)
        metres[onset] = Metre(onset, int(signature.numerator), int(signature.denominator))
    return tuple(metre for _, metre in sorted(metres.items()))


def _bars(part: Any) -> tuple[Bar, ...]:
    measures = [(float(measure.offset), float(measure.highestTime)) for measure in part.getElementsByClass("Measure")]
    return tuple(Bar(onset, length) for onset, length in measures if length > 0)


def _tempos(score: Any) -> tuple[Tempo, ...]:
    tempos = {0.0: Tempo(0.0, DEFAULT_BPM)}
    for mark in score.flatten().getElementsByClass("MetronomeMark"):
        bpm = mark.getQuarterBPM()
        if bpm:
            tempos[float(mark.offset)] = Tempo(float(mark.offset), float(bpm))
    return tuple(tempo for _, tempo in sorted(tempos.items()))


def _title(score: Any) -> str:
    return (score.metadata.bestTitle or "").strip() if score.metadata is not None else ""
