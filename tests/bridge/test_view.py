"""The live view: what it says of a moment, at any width, and that no terminal ever holds up who sends."""

from __future__ import annotations

import errno
import io
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Status,
    TransportChanged,
)
from bridge.live.letters import _PIXELS, large, pitch_name, symbol
from bridge.live.view import View, is_watched, picture
from bridge.live.view_state import ViewState
from gapt_core.chords import CHORD_COUNT, chord_at

PATIENCE = 20.0


def status(beats: float = 1.2, **changes: object) -> Status:
    fields: dict[str, object] = {
        "due_beats": beats,
        "playing": True,
        "bpm": 120.0,
        "metre": (4, 4),
        "bar": (13, 2.2),
        "chords": 31,
        "late": 2,
        "step_seconds": 0.0042,
        "preset": "default",
        "worker": "",
        "sync": "MIDI clock: locked",
    }
    return Status(**{**fields, **changes})  # type: ignore[arg-type]


def a_jam() -> ViewState:
    state = ViewState()
    state.take(TransportChanged(0.0, True, 120.0, (4, 4), True), 100.0)
    state.take(MelodyHeard(1.0, 72, 90), 100.5)
    state.take(ChordStarts(1.0, 4, "B:hdim7", (47, 62, 65, 69)), 100.5)
    chords = (PlannedChord(2.0, 1.0, "E:7(b9)", (52,), True), PlannedChord(3.0, 1.0, "A:min7", (57,), False))
    state.take(PlanShown(1.0, chords), 100.5)
    state.take(status(), 100.6)
    return state


def text_of(state: ViewState, seconds: float, width: int = 80, encoding: str = "utf-8") -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    console = Console(width=width, file=out, force_terminal=True, color_system=None)
    console.print(picture(state, seconds, console))
    out.flush()
    return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


def test_it_says_what_is() -> None:
    text = text_of(a_jam(), 100.7)
    for words in (
        "GAPT Bridge · default",
        "○ ● ○ ○",
        "13.2",
        "120.0 bpm  4/4  playing   MIDI clock: locked",
        "melody C5",
        "chord  Bm7b5",
        "notes  B2 D4 F4 A4",
        "E7b9 in 0.6    Am7 in 1.6",
        "4.2 of 125 ms",
        "chords 31",
        "late 2",
        "policy well",
    ):
        assert words in text
    assert "\n".join(large("Bm7b5"))[:5] in text


def test_time_goes_on_between_messages() -> None:
    state = a_jam()
    assert state.bar(100.6) == (13, pytest.approx(2.2))
    assert state.bar(102.1) == (14, pytest.approx(1.2))
    assert [round(togo, 3) for togo, _ in state.to_come(101.2)] == [0.6]
    assert state.to_come(110.0) == []


def test_a_compound_metre_counts_its_felt_beats() -> None:
    state = ViewState()
    state.take(TransportChanged(4.5, True, 60.0, (6, 8), True), 0.0)
    assert state.beats_per_bar == 2
    assert state.bar(0.0) == (2, pytest.approx(2.0))
    assert state.bar(1.5) == (3, pytest.approx(1.0))


def test_a_stop_forgets_what_was_to_come() -> None:
    state = a_jam()
    state.take(TransportChanged(2.0, False, 120.0, (4, 4)), 101.0)
    assert not state.rolling and state.plan == ()
    assert "waiting" in text_of(state, 101.0)


def test_trouble_and_settings_are_said_once() -> None:
    state = a_jam()
    for _ in range(3):
        state.take(status(worker="The policy's process is gone."), 101.0)
    state.take(ParameterChanged(2.0, "temperature", 0.75), 101.0)
    assert list(state.notes) == ["MIDI clock: locked", "The policy's process is gone.", "temperature is 0.75"]
    assert "policy in trouble" in text_of(state, 101.0)


def test_notes_that_sound_are_those_that_have_not_ended() -> None:
    state = ViewState()
    for pitch, velocity in ((60, 80), (64, 80), (60, 0), (67, 80), (67, 0)):
        state.take(MelodyHeard(0.0, pitch, velocity), 0.0)
    assert state.held == [64]


def test_a_terminal_without_blocks_gets_plain_letters() -> None:
    text = text_of(a_jam(), 100.7, encoding="ascii")
    assert ". * . ." in text and "Bm7b5" in text and "█" not in text


@pytest.mark.parametrize("index", range(CHORD_COUNT))
def test_every_chord_has_its_letters(index: int) -> None:
    sign = symbol(chord_at(index).name)
    assert set(sign) <= set(_PIXELS)
    assert len({len(row) for row in large(sign)}) == 1


@pytest.mark.parametrize(
    ("name", "sign"), [("C:maj", "C"), ("A:min7", "Am7"), ("Eb:maj7", "Ebmaj7"), ("F#:sus4(b7)", "F#7sus4"), ("N", "-")]
)
def test_chords_are_written_as_musicians_do(name: str, sign: str) -> None:
    assert symbol(name) == sign


def test_pitch_names() -> None:
    assert [pitch_name(pitch) for pitch in (0, 60, 70, 127)] == ["C-1", "C4", "Bb4", "G9"]


def test_names_from_elsewhere_cannot_steer_the_terminal() -> None:
    state = a_jam()
    state.say("a port called \x1b[2J\r\nEvil")
    assert list(state.notes)[-1] == "a port called  [2J  Evil"
    state.take(status(sync="\x1b]0;title\x07"), 101.0)
    assert "\x1b]" not in text_of(state, 101.0) and "\x07" not in text_of(state, 101.0)


beats = st.floats(-8.0, 10_000.0)
pitches = st.integers(0, 127)
texts = st.text(max_size=200)
names = st.integers(0, CHORD_COUNT - 1).map(lambda index: chord_at(index).name) | st.just("N")
metres = st.tuples(st.integers(1, 32), st.sampled_from([1, 2, 4, 8, 16]))
chords = st.builds(PlannedChord, beats, st.floats(0.25, 16.0), names, st.just((60,)), st.booleans())
bars = st.tuples(st.integers(-4, 9999), st.floats(1.0, 32.0))
messages = st.one_of(
    st.builds(TransportChanged, beats, st.booleans(), st.floats(10.0, 999.0), metres, st.booleans()),
    st.builds(ChordStarts, beats, st.just(0), names, st.lists(pitches, max_size=8).map(tuple)),
    st.builds(PlanShown, beats, st.lists(chords, max_size=9).map(tuple)),
    st.builds(MelodyHeard, beats, pitches, st.integers(0, 127)),
    st.builds(ParameterChanged, beats, st.just("preset"), texts),
    st.builds(PlayNote, beats, pitches, st.integers(1, 127)),
    st.builds(EndNote, beats, pitches),
    st.builds(
        status,
        beats,
        metre=metres,
        bar=st.tuples(st.integers(-4, 9999), st.floats(1.0, 32.0)),
        worker=texts,
        sync=texts,
    ),
)


@given(st.lists(messages, max_size=12), st.integers(40, 140))
def test_it_fits_whatever_comes(played: list[OutMessage], width: int) -> None:
    state = ViewState()
    for place, message in enumerate(played):
        state.take(message, place / 10.0)
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    lines = console.render_lines(picture(state, len(played) / 10.0, console), pad=False)
    assert all(sum(segment.cell_length for segment in line) <= width for line in lines)
    assert len(lines) <= 17


def test_the_view_draws_what_it_is_sent_and_leaves_no_picture_behind() -> None:
    drawn = threading.Event()

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if "E7b9" in text:
                drawn.set()
            return super().write(text)

    screen = Screen()
    view = View(Console(width=80, file=screen, force_terminal=True))
    view.start()
    view.send(TransportChanged(0.0, True, 120.0, (4, 4), True))
    view.send(PlanShown(0.0, (PlannedChord(1000.0, 1.0, "E:7(b9)", (52,), True),)))
    assert drawn.wait(PATIENCE)
    view.close()
    view.close()
    assert "\x1b[2K" in screen.getvalue()[-200:]


def test_a_terminal_that_stands_still_holds_nobody_up() -> None:
    stuck, go_on = threading.Event(), threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            stuck.set()
            go_on.wait(PATIENCE)
            return super().write(text)

    view = View(Console(width=80, file=Stuck(), force_terminal=True))
    view.start()
    assert stuck.wait(PATIENCE)
    for _ in range(1000):
        view.send(status())
    view.close()
    assert not go_on.is_set()
    go_on.set()


def test_a_terminal_that_goes_away_ends_the_view_alone() -> None:
    tried = threading.Event()

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            tried.set()
            raise OSError(errno.EIO, "Input/output error")

    view = View(Console(width=80, file=Gone(), force_terminal=True))
    view.start()
    assert tried.wait(PATIENCE)
    view.send(status())
    view.say("still here")
    view.close()


def test_a_file_is_not_drawn_on() -> None:
    assert not is_watched(Console(file=io.StringIO()))
    assert is_watched(Console(file=io.StringIO(), force_terminal=True))
