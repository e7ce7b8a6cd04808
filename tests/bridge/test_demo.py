"""The demo's player, and a whole demo in real time with a scripted accompanist."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rules import quarters, triad_each_beat
from strategies import songs

from bridge.controls.settings import Counters, Mode, Settings
from bridge.demo.performer import first_bars, score_events, up_to
from bridge.events import (
    ChordStarts,
    MelodyHeard,
    NoteOff,
    NoteOn,
    OutMessage,
    Set,
    Silence,
    Start,
    Stop,
    TransportChanged,
)
from bridge.live.jam import open_demo
from bridge.live.record import Record, Tally, line_of, percentile
from bridge.live.sender import Sent
from bridge.live.show import Show
from bridge.offline.accompany import chord_events, chord_notes
from bridge.ports.choice import PortChoice
from bridge.timing.beatmap import BeatMap
from gapt_core.song import Song, Tempo
from plugin_host.scripted import ScriptedAccompanist

ROOT = Path(__file__).parents[2]
NO_PORTS = PortChoice(midi_in=None, midi_out=None, osc=None)
ROOTS = ["C", "D", "E", "F", "G", "A", "B", "C"]


@given(songs())
def test_a_performer_starts_first_plays_in_order_and_stops_last(song: Song) -> None:
    events = score_events(song)
    assert isinstance(events[0], Start) and isinstance(events[-1], Stop)
    seconds = [event.seconds for event in events]
    assert seconds == sorted(seconds)
    assert events[-1].seconds <= BeatMap.of_tempos(song.tempos).seconds_at(max(song.end_beats, 0.25))
    struck = [event.pitch for event in events if isinstance(event, NoteOn)]
    heard = [event.pitch for event in events if isinstance(event, NoteOff)]
    assert len(heard) <= len(struck) <= len(song.notes)


@given(songs(), st.integers(1, 30))
def test_the_first_bars_are_the_song_cut_at_a_bar_line(song: Song, count: int) -> None:
    cut = first_bars(song, count)
    assert cut.bars == song.bars[: len(cut.bars)]
    assert len(cut.bars) <= count + 1
    assert all(note.onset_beats < cut.end_beats for note in cut.notes)
    assert all(note.end_beats <= cut.end_beats + 1e-9 for note in cut.notes)
    assert first_bars(song, len(song.bars)).bars == song.bars


def test_a_pickup_is_no_bar_of_the_first_bars() -> None:
    song = quarters(tuple(range(60, 72)), pickup_beats=1.0)
    assert [bar.duration_beats for bar in first_bars(song, 2).bars] == [1.0, 4.0, 4.0]


def test_a_song_cut_before_it_began_is_empty_but_still_a_song() -> None:
    cut = up_to(quarters(), -1.0)
    assert not cut.notes and cut.bars and cut.metres and cut.tempos


@pytest.mark.parametrize("mode", ["react", "anticipate"])
def test_a_demo_plays_in_real_time_and_ends_by_itself_in_silence(mode: Mode) -> None:
    song = quarters(tempos=(Tempo(0.0, 480.0), Tempo(4.0, 960.0)))
    told: list[Sent] = []
    record = Record()
    settings = Settings(mode=mode, window_ms=5.0, entry="free")
    show = Show(lambda sentence: None, told.append)
    accompanist = ScriptedAccompanist(triad_each_beat)
    with open_demo(settings, song, NO_PORTS, lambda: closing(accompanist), show, record) as session:
        session.run()
        assert session.beats >= song.end_beats - 0.25
    assert told == record.sent
    events = chord_events(sent.chord for sent in record.sent)
    names = [event.chord.name.partition(":")[0] for event in events if event.chord]
    # On a machine with other things to do a note may come too late for its chord.
    assert names and set(names) <= set(ROOTS)
    assert len(chord_notes(record.messages, 8.0)) == 4 * len(names)
    assert not record.sounding
    assert isinstance(record.messages[-1], Silence)


def test_a_demo_that_is_stopped_goes_on_where_it_was_held() -> None:
    """Held on the way and let go again a moment later, the tune is whole."""
    song = quarters(tempos=(Tempo(0.0, 480.0),))
    record = Record()
    held: list[float] = []

    def told(sent: Sent) -> None:
        if not held and sent.chord.due_beats >= 2.0:
            held.append(sent.chord.due_beats)
            session.put(Set(sent.seconds, "stop", True))
            session.put(Set(sent.seconds, "stop", True))
            session.put(Set(sent.seconds + 0.1, "start", True))
            session.put(Set(sent.seconds + 0.1, "start", True))

    show = Show(lambda sentence: None, told)
    accompanist = ScriptedAccompanist(triad_each_beat)
    settings = Settings(window_ms=5.0, entry="free")
    with open_demo(settings, song, NO_PORTS, lambda: closing(accompanist), show, record) as session:
        session.run()
        assert session.beats >= song.end_beats - 0.25
    turns = [message.rolling for message in record.messages if isinstance(message, TransportChanged)]
    assert held and turns == [True, False, True, False]
    struck = [message.pitch for message in record.messages if isinstance(message, MelodyHeard) and message.velocity]
    assert struck == [note.pitch for note in song.notes]
    assert not record.sounding


def test_a_demo_that_ends_while_it_is_held_has_played_no_further() -> None:
    song = quarters(tempos=(Tempo(0.0, 480.0),))
    record = Record()
    stood = threading.Event()

    def told(sent: Sent) -> None:
        session.put(Set(sent.seconds, "stop", True))

    def tap(message: OutMessage, seconds: float, beats: float) -> None:
        if isinstance(message, TransportChanged) and not message.rolling:
            session.stop()
            stood.set()

    show = Show(lambda sentence: None, told, [tap])
    accompanist = ScriptedAccompanist(triad_each_beat)
    settings = Settings(window_ms=5.0, entry="free")
    with open_demo(settings, song, NO_PORTS, lambda: closing(accompanist), show, record) as session:
        session.run()
        assert stood.is_set() and session.beats < 4.0


def test_the_summary_has_nearest_rank_percentiles_of_chords_not_of_rests() -> None:
    tally = Tally()
    tally.add(Sent(ChordStarts(0.0, 0, "N", ()), 0.0, 9.0))
    assert tally.summary(Counters()) == "No chord was played."
    sent = [Sent(ChordStarts(i, 4 * i, "C:maj", (36,)), float(i), i / 1000.0) for i in range(1, 101)]
    for one in sent:
        tally.add(one)
    assert tally.summary(Counters(late=1, skipped=2, held=3)) == (
        "100 chords; after their frame p50 50.00 ms, p99 99.00 ms, worst 100.00 ms; 6 late frames"
    )
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0
    assert line_of(sent[11]) == "beat   12.00   C:maj         +12.00 ms"


def test_the_tune_in_the_package_is_one_of_the_examples() -> None:
    (tune,) = (ROOT / "bridge" / "demo").glob("*.mid")
    assert tune.read_bytes() == (ROOT / "examples" / tune.name).read_bytes()
