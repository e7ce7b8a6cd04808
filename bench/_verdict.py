"""The rows of the session's table: each says what was found, and whether it is as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import mido
from _ear import Told
from _heard import Heard, Protocol, together
from _tempomap import BEATS_PER_BAR, TempoMap

SIXTEENTH = 0.25
"""In beats: a chord's frame."""
NEAR_SECONDS = 0.1
"""A chord's notes leave with its name."""
SETTLED_BEATS = 2.0
"""After a start, a jump or a new tempo the clock may need so long."""
QUIET_SECONDS = 0.25
"""After a stop or a jump of the host, what sounded must have ended by then."""
MOST_GROWTH_MIB = 24.0
POSITION, CONTINUE = 0xF2, 0xFB


@dataclass(frozen=True)
class Row:
    """One line; `good` is None where it is only told."""

    name: str
    found: str
    good: bool | None = None


@dataclass
class Evidence:
    """All that the session left behind.

    Attributes:
        told: what the bridge said by OSC.
        marks: what the script did, and at which of JACK's frames.
        memory: MiB of each process of the bridge, by name, at the beginning and the end.
        others: chords that other OSC clients heard, by name.
    """

    protocol: Protocol
    tempos: TempoMap
    period: int
    told: Sequence[Told]
    marks: Sequence[tuple[str, int]] = ()
    take: Path = Path("take.mid")
    said: str = ""
    exit_code: int = 0
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    mode: str = "anticipate"

    def heard(self, address: str) -> list[Told]:
        """What came to one address."""
        return [told for told in self.told if told.address == address]

    def when(self, name: str) -> list[int]:
        """Frames at which the script did it."""
        return [frame for mark, frame in self.marks if mark == name]

    def seconds(self, frames: float) -> float:
        """A length in seconds."""
        return frames / self.protocol.rate

    def frames(self, seconds: float) -> float:
        """A length in JACK's frames."""
        return seconds * self.protocol.rate


def rows(evidence: Evidence) -> list[Row]:
    """The whole table."""
    return [
        *_hanging(evidence),
        _exceptions(evidence),
        *_chords(evidence),
        _entries(evidence),
        _loop(evidence),
        _preset(evidence),
        _worker(evidence),
        *_ports(evidence),
        *_take(evidence),
        _clients(evidence),
        _status(evidence),
        _memory(evidence),
        Row("late cycles of JACK itself (xruns)", str(len(evidence.protocol.xruns))),
    ]


# --- what hangs


def _hanging(evidence: Evidence) -> list[Row]:
    """Notes still on a while after each stop and loop, and at the end."""
    protocol, grace = evidence.protocol, evidence.frames(QUIET_SECONDS)
    after = [sum(protocol.sounding("chords", stop + grace).values()) for stop in evidence.when("stop")]
    end = protocol.sounding("chords", float("inf"))
    return [
        Row(f"hanging notes after each of {len(after)} stops", " ".join(map(str, after)), not any(after)),
        Row("hanging notes at the end", str(sum(end.values())), not end),
    ]


def _exceptions(evidence: Evidence) -> Row:
    count = evidence.said.count("Traceback")
    return Row(
        "unhandled exceptions; exit code", f"{count}; {evidence.exit_code}", not count and not evidence.exit_code
    )


# --- when chords come


@dataclass(frozen=True)
class _Struck:
    """A chord: its own line (beats), where it was on the wire and where it was told (true beats), and frames."""

    line: float
    wire: float
    told: float
    frame: int
    bpm: float

    def wire_ms(self) -> float:
        return (self.wire - self.line) * 60000.0 / self.bpm

    def told_ms(self) -> float:
        return (self.told - self.line) * 60000.0 / self.bpm


def _struck(evidence: Evidence) -> tuple[list[_Struck], int]:
    """Chords told and heard, and how many were told and not heard."""
    protocol = evidence.protocol
    groups = together(protocol.notes("chords"), 2 * evidence.period)
    struck: list[_Struck] = []
    missing = at = 0
    for told in evidence.heard("/gapt/chord"):
        pitches = set(told.arguments[2:])
        frame = protocol.frame_at(told.seconds)
        if not pitches or _unplugged(protocol, frame):
            continue
        near = evidence.frames(NEAR_SECONDS)
        while at < len(groups) and groups[at][0].frame < frame - near:
            at += 1
        found = [g for g in groups[at : at + 8] if g[0].frame < frame + near and {n.key[1] for n in g} <= pitches]
        if not found:
            missing += 1
            continue
        first = min(found, key=lambda group: abs(group[0].frame - frame))[0].frame
        line = round(float(str(told.arguments[1])) / SIXTEENTH) * SIXTEENTH
        wire = protocol.beats_near(first, line, evidence.tempos)
        bpm = evidence.tempos.bpm(wire)
        struck.append(_Struck(line, wire, wire + evidence.seconds(frame - first) * bpm / 60.0, first, bpm))
    return struck, missing


def _chords(evidence: Evidence) -> list[Row]:
    struck, missing = _struck(evidence)
    outside = [chord for chord in struck if not -SIXTEENTH / 2 <= chord.wire - chord.line < SIXTEENTH]
    settled = [chord for chord in struck if _is_settled(evidence, chord.frame)]
    period = 1000.0 * evidence.period / evidence.protocol.rate
    found = f"{len(struck)} chords, {len(outside)} outside, {missing} told and not heard"
    if outside:
        found += "; outside at beats " + ", ".join(f"{c.line:g} ({c.wire_ms():+.0f} ms)" for c in outside[:8])
    lines = [
        Row("every chord inside its frame (a sixteenth)", found, bool(struck) and not outside and not missing),
        Row("chord after its line, on the wire", _figures(chord.wire_ms() for chord in struck)),
    ]
    if evidence.mode == "anticipate":
        name = f"clock's phase error (told by OSC, not in JACK periods of {period:.1f} ms)"
        lines.append(Row(name, _figures(chord.told_ms() for chord in struck)))
        lines.append(Row("… two beats after starts and tempo changes", _figures(c.told_ms() for c in settled)))
        lines.append(Row("the clock's own error where it starts", _figures(_clock_errors(evidence))))
    return lines


def _clock_errors(evidence: Evidence) -> list[float]:
    """How far after the place that it told the clock began to run, in ms, for each start."""
    errors, told = [], 0.0
    for message in evidence.protocol.messages["clock"]:
        if message.data[0] == POSITION:
            told = (message.data[1] + 128 * message.data[2]) * SIXTEENTH
        elif message.data[0] == CONTINUE:
            beats = evidence.protocol.beats_at(message.frame, evidence.tempos)
            errors.append((beats - told) * 60000.0 / evidence.tempos.bpm(beats))
    return errors


def _is_settled(evidence: Evidence, frame: int) -> bool:
    """Whether the clock has had time since the transport last started or jumped and since the tempo last changed."""
    turn = evidence.protocol.turn_at(frame)
    begin, beats = (evidence.protocol.beats_at(each, evidence.tempos) for each in (turn.frame, frame))
    changed = [line for line in evidence.tempos.changes if line <= beats]
    return beats - max([begin, *changed]) >= SETTLED_BEATS


def _entries(evidence: Evidence) -> Row:
    """Whether the first chord after each start lies on a bar line."""
    struck, _ = _struck(evidence)
    wrong, entered = [], 0
    for start in evidence.when("start"):
        first = next((chord for chord in struck if chord.frame > start), None)
        if first is None:
            continue
        entered += 1
        if first.line % BEATS_PER_BAR:
            wrong.append(first.line)
    starts = len(evidence.when("start"))
    found = f"{entered - len(wrong)} of {starts}" + (f"; elsewhere: {wrong}" if wrong else "")
    return Row("first chord after each start on a bar line", found, entered == starts and not wrong)


def _loop(evidence: Evidence) -> Row:
    """Whether each jump back ended what sounded, and was followed by chords in the right place."""
    protocol, jumps = evidence.protocol, evidence.when("jump")
    old = 0
    for jump in jumps:
        until = jump + evidence.frames(QUIET_SECONDS)
        old += sum(note.frame < jump < until < (note.end or until + 1) for note in protocol.notes("chords"))
    ends = [*jumps[1:], *evidence.when("loop ended")]
    struck, _ = _struck(evidence)
    empty = sum(not any(a < chord.frame < b for chord in struck) for a, b in zip(jumps, ends, strict=False))
    found = f"{len(jumps)} jumps back; {old} notes of before go on; {empty} passes without a chord"
    return Row("the loop of four bars", found, bool(jumps) and not old and not empty)


# --- what was done to it


def _preset(evidence: Evidence) -> Row:
    asked = evidence.when("preset")
    chosen = [told for told in evidence.heard("/gapt/status") if told.arguments[7] == "public-domain"]
    if not asked or not chosen:
        return Row("preset swapped", "never", False)
    end = min(stop for stop in evidence.when("stop") if stop > asked[0])
    silences = evidence.protocol.silences("chords", asked[0], end)
    longest = max((evidence.seconds(b - a) for a, b in silences), default=0.0)
    after = sum(asked[0] < chord.frame < end for chord in _struck(evidence)[0])
    found = f"{after} chords in {evidence.seconds(end - asked[0]):.0f} s after it; longest silence {longest:.2f} s"
    return Row("preset swapped", found, after > 0)


def _worker(evidence: Evidence) -> Row:
    killed = evidence.when("worker killed")
    if not killed:
        return Row("worker killed", "never", False)
    trouble = [told for told in evidence.heard("/gapt/status") if told.arguments[8]]
    told_at = [evidence.protocol.frame_at(told.seconds) for told in trouble]
    well = max((frame for frame in told_at if frame > killed[0]), default=None)
    end = min(stop for stop in evidence.when("stop") if stop > killed[0])
    silences = evidence.protocol.silences("chords", killed[0], end)
    longest = max((evidence.seconds(b - a) for a, b in silences), default=0.0)
    after = sum((well or killed[0]) < chord.frame < end for chord in _struck(evidence)[0])
    shown = "never shown" if well is None else f"shown until {evidence.seconds(well - killed[0]):.1f} s after"
    found = f"{evidence.restarts} restart; {shown}; {after} chords afterwards; longest silence {longest:.1f} s"
    return Row("worker killed", found, evidence.restarts == 1 and after > 0)


def _ports(evidence: Evidence) -> list[Row]:
    protocol = evidence.protocol
    lines = []
    for what, back in (("player unplugged", "player back"), ("output unplugged", "output back")):
        lost, returned = evidence.when(what), evidence.when(back)
        if not (lost and returned):
            lines.append(Row(what, "never", False))
            continue
        end = min(stop for stop in evidence.when("stop") if stop > returned[0])
        address = "/gapt/melody" if what == "player unplugged" else "/gapt/chord"
        heard = [protocol.frame_at(told.seconds) for told in evidence.heard(address)]
        if what == "output unplugged":
            heard = [note.frame for note in protocol.notes("chords")]
        again = [frame for frame in heard if returned[0] < frame < end]
        when = f"first note {evidence.seconds(min(again) - returned[0]):.1f} s after its return" if again else "silent"
        away = evidence.seconds(returned[0] - lost[0])
        lines.append(Row(what, f"away for {away:.1f} s; {when}", bool(again)))
    return lines


# --- what was recorded


Filed = tuple[float, float, int]
"""Onset and end in the file's beats, and pitch."""


def _take(evidence: Evidence) -> list[Row]:
    if not evidence.take.exists():
        return [Row("the take", "there is none", False)]
    filed = _in_chords(filed_notes(evidence.take, "Chords"))
    groups = together(evidence.protocol.notes("chords"), 2 * evidence.period)
    heard = [note for group in groups for note in sorted(group, key=lambda each: each.key[1])]
    pairs, unheard = _paired(evidence, filed, heard)
    same = [note.key[1] for note, _ in pairs] == [each[2] for _, each in pairs]
    found = f"{len(filed)} notes, {len(heard)} heard, {unheard} while unplugged; " + (
        "same order" if same else "NOT the same"
    )
    complete = len(pairs) == len(heard) and len(filed) == len(heard) + unheard
    lines = [Row("the take's chords against the wire", found, complete and same and bool(pairs))]
    if pairs:
        off = [_off_ms(evidence, note, each) for note, each in pairs]
        near = all(abs(ms) < _half_frame_ms(evidence, note) for ms, (note, _) in zip(off, pairs, strict=True))
        lines.append(Row("… their place in the bar (within half a sixteenth)", _figures(off), near))
        lengths = [length for note, each in pairs if (length := _length_off_ms(evidence, note, each)) is not None]
        lines.append(Row("… their length", _figures(lengths), not lengths or max(map(abs, lengths)) < 50.0))
    melody, told = len(filed_notes(evidence.take, "Melody")), _melody_told(evidence)
    played = len(evidence.protocol.notes("melody"))
    lines.append(Row("the take's melody", f"{melody} notes; {told} told by OSC; {played} played", melody == told))
    return lines


def filed_notes(path: Path, track: str) -> list[Filed]:
    """Notes of a track of a MIDI file, in order."""
    file = mido.MidiFile(path)
    notes: list[Filed] = []
    for each in (each for each in file.tracks if each.name == track):
        tick, sounding = 0, {}
        for message in each:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = tick
            elif message.type in ("note_on", "note_off") and message.note in sounding:
                onset = sounding.pop(message.note)
                notes.append((onset / file.ticks_per_beat, tick / file.ticks_per_beat, message.note))
    return sorted(notes)


def _in_chords(notes: Sequence[Filed]) -> list[Filed]:
    """Notes that begin together in order of pitch."""
    groups: list[list[Filed]] = []
    for note in notes:
        if groups and note[0] - groups[-1][0][0] < SIXTEENTH / 8:
            groups[-1].append(note)
        else:
            groups.append([note])
    return [note for group in groups for note in sorted(group, key=lambda each: each[2])]


def _paired(
    evidence: Evidence, filed: Sequence[Filed], heard: Sequence[Heard]
) -> tuple[list[tuple[Heard, Filed]], int]:
    """Heard notes with those of the file: the file has more, and all of them where the port was unplugged."""
    unplugged = [frame for frame, there in evidence.protocol.plugs if not there]
    before = sum(note.frame < unplugged[0] for note in heard) if unplugged else len(heard)
    unheard = len(filed) - len(heard)
    if unheard < 0:
        return list(zip(heard, filed, strict=False)), 0
    return list(zip(heard, [*filed[:before], *filed[before + unheard :]], strict=True)), unheard


def _off_ms(evidence: Evidence, note: Heard, filed: Filed) -> float:
    """How much later in its bar a note stands in the file than it was on the wire, in ms."""
    beats = evidence.protocol.beats_at(note.frame, evidence.tempos)
    off = (filed[0] - beats + BEATS_PER_BAR / 2) % BEATS_PER_BAR - BEATS_PER_BAR / 2
    return off * 60000.0 / evidence.tempos.bpm(beats)


def _half_frame_ms(evidence: Evidence, note: Heard) -> float:
    bpm = evidence.tempos.bpm(evidence.protocol.beats_at(note.frame, evidence.tempos))
    return SIXTEENTH / 2 * 60000.0 / bpm


def _length_off_ms(evidence: Evidence, note: Heard, filed: Filed) -> float | None:
    """How much longer a note lasts in the file, in ms; None where a jump, stop, lost port or the end lies within."""
    if note.end is None or evidence.protocol.turn_at(note.frame) != evidence.protocol.turn_at(note.end):
        return None
    broken = [*(at for at, _ in evidence.protocol.plugs), *evidence.when("end")]
    if any(note.frame <= at <= note.end for at in broken):
        return None
    begin, end = (evidence.protocol.beats_at(frame, evidence.tempos) for frame in (note.frame, note.end))
    return (filed[1] - filed[0] - (end - begin)) * 60000.0 / evidence.tempos.bpm(begin)


def _melody_told(evidence: Evidence) -> int:
    return sum(bool(told.arguments[1]) for told in evidence.heard("/gapt/melody"))


# --- how it fared


def _clients(evidence: Evidence) -> Row:
    ours = len(evidence.heard("/gapt/chord"))
    found = ", ".join(f"{name} {count}" for name, count in evidence.others.items())
    return Row("chords by OSC", f"{ours} here, {found}", all(count == ours for count in evidence.others.values()))


def _status(evidence: Evidence) -> Row:
    newest = evidence.heard("/gapt/status")
    if not newest:
        return Row("status", "never told", False)
    steps = sorted(float(str(told.arguments[6])) for told in newest)
    late, chords = newest[-1].arguments[5], newest[-1].arguments[4]
    found = f"{chords} chords; {late} frames late, skipped or held; step p50 {steps[len(steps) // 2]:.1f} ms"
    return Row("by its own account", f"{found}, worst seen {steps[-1]:.1f} ms")


def _memory(evidence: Evidence) -> Row:
    found = ", ".join(f"{name} {begin:.0f} → {end:.0f}" for name, (begin, end) in evidence.memory.items())
    # The policy's process is a new one by then.
    grown = max((end - begin for name, (begin, end) in evidence.memory.items() if name != "worker"), default=0.0)
    return Row("resident memory in MiB", found, grown < MOST_GROWTH_MIB)


def _unplugged(protocol: Protocol, frame: float) -> bool:
    there = True
    for at, plugged in protocol.plugs:
        # The bridge looks after its ports twice a second.
        if at <= frame + (0 if plugged else 0.1 * protocol.rate):
            there = plugged
    back = [at for at, plugged in protocol.plugs if plugged]
    return not there or any(at <= frame <= at + 1.5 * protocol.rate for at in back)


def _figures(values: Iterable[float]) -> str:
    ordered = sorted(values)
    if not ordered:
        return "none"
    share = {name: ordered[min(len(ordered) - 1, int(part * len(ordered)))] for name, part in PERCENTILES}
    spread = "  ".join(f"{name} {value:+.2f}" for name, value in share.items())
    return f"n {len(ordered)}  min {ordered[0]:+.2f}  {spread}  max {ordered[-1]:+.2f} ms"


PERCENTILES = (("p1", 0.01), ("p50", 0.50), ("p99", 0.99))
