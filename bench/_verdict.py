"""The rows of the session's table: each says what was found, and whether it is as it should be."""

from __future__ import annotations

from dataclasses import dataclass

from _evidence import SIXTEENTH, Evidence, Row, figures
from _heard import Protocol, together
from _take import take
from _tempomap import BEATS_PER_BAR

NEAR_SECONDS = 0.1
"""A chord's notes leave with its name."""
SETTLED_BEATS = 2.0
"""After a start, a jump or a new tempo the clock may need so long."""
QUIET_SECONDS = 0.25
"""After a stop or a jump of the host, what sounded must have ended by then."""
MOST_GROWTH_MIB = 24.0
POSITION, CONTINUE = 0xF2, 0xFB


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
        *take(evidence),
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
        Row("chord after its line, on the wire", figures(chord.wire_ms() for chord in struck)),
    ]
    if evidence.mode == "anticipate":
        name = f"clock's phase error (told by OSC, not in JACK periods of {period:.1f} ms)"
        lines.append(Row(name, figures(chord.told_ms() for chord in struck)))
        lines.append(Row("… two beats after starts and tempo changes", figures(c.told_ms() for c in settled)))
        lines.append(Row("the clock's own error where it starts", figures(_clock_errors(evidence))))
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
