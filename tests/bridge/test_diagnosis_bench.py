"""`gapt bench live`: a real jam answers a real player over UDP; the figures are measured, not asserted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import gapt
from bridge.diagnosis.live_bench import HEADER, bare_loop, busy
from bridge.diagnosis.live_player import MidiWire, UdpWire, melody
from bridge.ports.osc.codec import build, bundle

ROW = re.compile(r"(.{34}) +(\d+) +(-?\d+\.\d{3}) +(-?\d+\.\d{3}) +(-?\d+\.\d{3}) +(\d+)")


def test_the_bench_prints_both_modes_beside_the_bare_loop(preset: Path) -> None:
    result = CliRunner().invoke(gapt, ["bench", "live", "--preset", str(preset), "--bars", "1", "--tempo", "480"])
    assert result.exit_code == 0, result.output
    _, header, *rows = result.stdout.splitlines()
    assert header == HEADER
    found = [ROW.fullmatch(row) for row in rows]
    assert [match and match[1].split(",")[0].strip() for match in found] == [
        "bare sleep and spin",
        "anticipate",
        "react",
    ]
    for match in found:
        assert match is not None and int(match[2]) > 0
        assert float(match[3]) <= float(match[4]) <= float(match[5])


def test_lateness_is_that_of_chords_against_the_first_note() -> None:
    came = [
        (10.5, build("/gapt/chord", ["C:maj", 1.0, 48, 60])),
        (11.02, bundle(build("/gapt/play", [60, 64, 1]), build("/gapt/chord", ["G:maj", 2.0, 43]))),
        (11.5, build("/gapt/chord", ["N", 3.0])),
        (11.6, build("/gapt/melody", [60, 80])),
    ]
    wire = UdpWire()
    wire.came = came
    assert list(wire.chords(10.0, 120.0)) == [(1.0, pytest.approx(0.0)), (2.0, pytest.approx(20.0))]
    wire.close()


def test_by_midi_the_first_note_of_a_chord_counts_for_the_line_before_it() -> None:
    wire = MidiWire.__new__(MidiWire)  # without ports
    wire.came = [10.001, 10.002, 10.130, 10.131, 10.249, 10.380]
    assert list(wire.chords(10.0, 120.0)) == [
        (0.0, pytest.approx(1.0)),
        (0.25, pytest.approx(5.0)),
        (0.5, pytest.approx(-1.0)),
        (0.75, pytest.approx(5.0)),
    ]


def test_the_melody_ends_every_note_it_begins() -> None:
    sounding: set[int] = set()
    times = []
    for beats, (pitch, velocity) in melody(3):
        times.append(beats)
        sounding ^= {pitch}
        assert (pitch in sounding) == (velocity > 0)
    assert not sounding
    assert times == sorted(times) and times[-1] < 12.0


def test_the_bare_loop_is_never_early() -> None:
    late = bare_loop(5, 0.002)
    assert len(late) == 5 and late == tuple(sorted(late)) and late[0] >= 0.0


def test_busy_processes_end_with_the_measurement() -> None:
    with busy(1):
        pass
    with pytest.raises(ZeroDivisionError), busy(1):
        _ = 1 // 0
