"""The effect for REAPER, compiled and run by JSusFX, another interpreter of JSFX, inside Pure Data.

JSusFX does nothing without pins and @sample, has no graphics, and always says that the transport rolls from 0: all of
that is changed in a copy, in which sliders stand for the transport.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from pd_patch import PATIENCE, PD

EFFECT = Path(__file__).parents[2] / "plugin_host" / "daw" / "reaper" / "GAPT.jsfx"
FOLDER = Path("/usr/lib/pd/extra/jsusfx~")

pytestmark = pytest.mark.skipif(PD is None or not FOLDER.exists(), reason="no jsusfx~ for Pd (Debian: pd-jsusfx)")

STAND_INS = """
function sent(offset, status, first, second) (
  status == $x80 ? ended += 1;
  status == $x80 && first == 60 ? ended_c += 1;
  status >= $xB0 ? controllers += 1;
  status < $xB0 && status >= $x90 ? passed += 1;
);
"""

SAMPLE = """
@sample
spl0 = 0;
sounds = sounding[60];
"""

TRANSPORT = {"play_state": 11, "beat_position": 12, "ts_num": 13}
STATE, PLACE = "slider 11 {:g}", "slider 12 {:g}"
"""Pd moves sliders by shares of their range, which here is 0 to 10."""

NOTE, END, PANIC = "list 144 60 100", "list 128 60 0", "slider 1 1"


def played(folder: Path, *messages: str) -> dict[str, float]:
    """The effect's variables after these messages to it, some blocks of sound after each."""
    header, _, code = EFFECT.read_text("utf-8").partition("@init\n")
    code = code.partition("@gfx")[0].replace("midisend(", "sent(")
    for name, number in TRANSPORT.items():
        code = code.replace(name, f"slider{number}")
    header = "".join(line for line in header.splitlines(keepends=True) if "_pin:" not in line)
    sliders = "".join(f"slider{number}:{first}<0,10,0.001>x\n" for number, first in ((11, 0), (12, 0), (13, 3)))
    (folder / "effect.jsfx").write_text(header + sliders + "@init\n" + STAND_INS + code + SAMPLE, "utf-8")
    steps = [*messages, "dumpvars", r"\; pd quit"]
    lines = ["#N canvas 0 0 600 300 12;", "#X obj 20 100 jsusfx~ effect.jsfx;", "#X obj 20 20 loadbang;"]
    for index, step in enumerate(steps):
        delay = 2 + 2 * index
        lines += [f"#X obj 20 20 delay {20 * (index + 1)};", f"#X msg 20 40 {step};"]
        lines += [
            f"#X connect 1 0 {delay} 0;",
            f"#X connect {delay} 0 {delay + 1} 0;",
            f"#X connect {delay + 1} 0 0 0;",
        ]
    lines.sort(key=lambda line: line.startswith("#X connect"))
    (folder / "around.pd").write_text("\n".join(lines) + "\n", "utf-8")
    command = [
        str(PD),
        "-batch",
        "-noaudio",
        "-nomidi",
        "-stderr",
        "-path",
        str(FOLDER),
        "-lib",
        "jsusfx~",
        "-send",
        "pd dsp 1",
    ]
    run = subprocess.run(
        [*command, "around.pd"], cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "error" not in run.stderr and "failed" not in run.stderr, run.stderr
    return {name: float(value) for name, value in re.findall(r"^(\w+) --> (\S+)", run.stderr, re.MULTILINE)}


def test_notes_pass_and_are_remembered(tmp_path: Path) -> None:
    sounding = played(tmp_path, NOTE)
    assert (sounding["passed"], sounding["sounds"], sounding["controllers"]) == (1, 1, 0)
    ended = played(tmp_path, NOTE, END)
    assert (ended["ended_c"], ended["sounds"]) == (1, 0)


def test_the_button_ends_what_sounds_and_nothing_else(tmp_path: Path) -> None:
    after = played(tmp_path, NOTE, PANIC)
    assert (after["ended"], after["ended_c"], after["sounds"], after["controllers"]) == (1, 1, 0, 32)
    assert after["slider1"] == 0


@pytest.mark.parametrize(("stopped", "ended"), [(0, 1), (2, 1), (6, 1), (5, 0)])
def test_stopping_ends_what_sounds_and_recording_does_not(tmp_path: Path, stopped: int, ended: int) -> None:
    after = played(tmp_path, STATE.format(0.1), NOTE, STATE.format(stopped / 10))
    assert (after["ended_c"], after["playing"]) == (ended, 1 - ended)


def test_bars_are_counted_by_the_metre(tmp_path: Path) -> None:
    at = played(tmp_path, PLACE.format(0.75))
    assert (at["bar"], at["beat"]) == (2, 1.5)
