"""What lives in REAPER: the script, run inside a strict stand-in, and the effect, held to the reference."""

from __future__ import annotations

from pathlib import Path

import jsfx
import pytest
from lua_host import VERSIONS, HostError, run
from lupa.lua54 import LuaError
from reaper import MediaTrack, Reaper

DAW = Path(__file__).parents[2] / "plugin_host" / "daw" / "reaper"
SCRIPT = DAW / "GAPT insert track.lua"
EFFECT = DAW / "GAPT.jsfx"

IN, OUT = "GAPT Bridge in", "GAPT Bridge out"
INPUTS, OUTPUTS = ["Keystation 49", None, f"GAPT Bridge:{OUT} 130:0"], ["Midi Through", f"GAPT Bridge:{IN} 130:1"]
MIDI, PER_DEVICE, ALL, ON_SCREEN = 4096, 32, 63, 62
JSFX_NAME = "JS:GAPT Bridge/GAPT.jsfx"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_selected_track_goes_to_the_bridge_and_the_chords_come_below_it(version: str) -> None:
    played, other = MediaTrack("Lead"), MediaTrack("Bass")
    played.numbers["I_RECINPUT"] = MIDI + 0 * PER_DEVICE
    host = Reaper([*INPUTS], [*OUTPUTS], [other, played], [played], installed={JSFX_NAME})
    host.run(SCRIPT, version)
    assert [track.name for track in host.tracks] == ["Bass", "Lead", "GAPT chords"]
    assert played.numbers == {"I_RECINPUT": MIDI + 0 * PER_DEVICE, "I_MIDIHWOUT": 1 * PER_DEVICE}
    chords = host.tracks[2]
    assert chords.numbers == {
        "I_RECINPUT": MIDI + 2 * PER_DEVICE,
        "I_MIDIHWOUT": -1.0,
        "I_RECMODE": 0,
        "I_RECMON": 1,
        "I_RECARM": 1,
    }
    assert (chords.effects, len(host.undo), len(host.said)) == ([JSFX_NAME], 1, 1)
    assert "instrument" in host.said[0] and "not installed" not in host.said[0]


def test_without_a_selected_track_it_makes_one_for_the_melody_that_does_not_hear_the_bridge() -> None:
    host = Reaper([*INPUTS], [*OUTPUTS], [MediaTrack("Bass")])
    host.run(SCRIPT)
    assert [track.name for track in host.tracks] == ["Bass", "Melody", "GAPT chords"]
    assert host.tracks[1].numbers["I_RECINPUT"] == MIDI + 0 * PER_DEVICE
    assert "not installed" in host.said[0]
    alone = Reaper([None, OUT], [IN])
    alone.run(SCRIPT)
    assert alone.tracks[0].numbers["I_RECINPUT"] == MIDI + ON_SCREEN * PER_DEVICE


@pytest.mark.parametrize("selected", [True, False])
def test_a_second_time_adds_nothing(selected: bool) -> None:
    host = Reaper([*INPUTS], [*OUTPUTS], [MediaTrack("Bass")], installed={JSFX_NAME})
    host.run(SCRIPT)
    before = [(track.name, dict(track.numbers), list(track.effects)) for track in host.tracks]
    host.selected = host.tracks[1:2] if selected else []
    host.run(SCRIPT)
    assert [(track.name, track.numbers, track.effects) for track in host.tracks] == before
    assert "was there already" in host.said[-1]


def test_the_track_of_the_chords_is_never_made_the_melodys() -> None:
    host = Reaper([*INPUTS], [*OUTPUTS])
    host.run(SCRIPT)
    host.selected = [host.tracks[1]]
    host.run(SCRIPT)
    assert host.tracks[1].numbers["I_MIDIHWOUT"] == -1.0
    assert (len(host.undo), host.said[-1][-20:]) == (1, "Nothing was changed.")


def test_it_says_so_where_the_melodys_track_hears_the_chords() -> None:
    played = MediaTrack("Lead")
    played.numbers["I_RECINPUT"] = MIDI + ALL * PER_DEVICE
    host = Reaper([*INPUTS], [*OUTPUTS], [played], [played])
    host.run(SCRIPT)
    assert "all MIDI inputs" in host.said[0]


def test_ports_of_other_names_are_asked_for() -> None:
    host = Reaper(["loopMIDI Port 1"], ["loopMIDI Port"], answers=[" LOOPmidi port , loopMIDI Port 1 "])
    host.run(SCRIPT)
    assert host.tracks[0].numbers["I_MIDIHWOUT"] == 0
    assert host.tracks[1].numbers["I_RECINPUT"] == MIDI


@pytest.mark.parametrize(
    ("answer", "named"), [(None, ""), ("", ""), (",", ""), ("loopMIDI,x", "loopMIDI"), ("Through,GAPT", "GAPT")]
)
def test_without_the_ports_nothing_is_changed(answer: str | None, named: str) -> None:
    host = Reaper(["Keystation"], ["Midi Through"], answers=[answer])
    host.run(SCRIPT)
    assert (host.tracks, host.undo, len(host.said)) == ([], [], 1 if named else 0)
    assert all(named in words and "gapt jam" in words for words in host.said)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("reaper.InsertTracks(0)", "not in the reference"),
        ("reaper.InsertTrackAtIndex(0)", "takes 2 arguments, not 1"),
        ("reaper.InsertTrackAtIndex(0.0, true)", "takes a integer"),
        ("reaper.InsertTrackAtIndex(0, 1)", "takes a boolean"),
        ("reaper.SetMediaTrackInfo_Value(7, 'I_RECARM', 1)", "takes a MediaTrack"),
        ("reaper.Undo_BeginBlock() reaper.InsertTrackAtIndex(0, true)", "left open"),
        ("reaper.InsertTrackAtIndex(0, true)", "outside of an undo block"),
        ("print(nothing)", "no global nothing"),
    ],
)
def test_the_stand_in_is_strict(tmp_path: Path, line: str, found: str) -> None:
    (tmp_path / "wrong.lua").write_text(line, "utf-8")
    with pytest.raises((HostError, LuaError), match=found):
        Reaper([], []).run(tmp_path / "wrong.lua")


def test_the_effect_is_one_that_reaper_reads() -> None:
    assert jsfx.faults(EFFECT.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("desc:", "name:", "it has no name"),
        ("slider1:0<0,1,1{", "slider1:0<0;1,1{", "the header has"),
        ("@block", "@blocks", "there is no section @blocks"),
        ("@gfx 240 80", "@block", "@block is there 2 times"),
        ("max(ts_num, 1)", "max(ts_num, 1", "@block leaves a bracket open"),
        ("floor(beat)", "flor(beat)", "there is no function flor"),
        ("max(ts_num, 1)", "max(ts_num)", "max does not have 1 arguments"),
        ("  end_all();", "  end_all(1);", "end_all has 0 arguments, not 1"),
        ("beats, unit, bpm", "beats, unit, tempo", "tempo is not known in @gfx"),
        ("bpm = tempo;", "bpm = tempos;", "tempos is read and never set"),
        ("bpm = tempo;", "tempo = 120;", "tempo is only for reading"),
        ("slider2 >", "slider3 >", "slider3 is read and never set"),
    ],
)
def test_what_is_wrong_with_an_effect_is_found(right: str, wrong: str, found: str) -> None:
    text = EFFECT.read_text("utf-8")
    assert right in text
    assert any(found in fault for fault in jsfx.faults(text.replace(right, wrong)))


def test_the_script_names_the_effect_where_gapt_daw_puts_it() -> None:
    assert f'EFFECT = "{JSFX_NAME}"' in SCRIPT.read_text("utf-8")
    assert JSFX_NAME.endswith("/" + EFFECT.name)


def test_a_script_is_read_before_it_runs(tmp_path: Path) -> None:
    (tmp_path / "wrong.lua").write_text("local x = = 1", "utf-8")
    with pytest.raises(LuaError, match="unexpected symbol"):
        run(tmp_path / "wrong.lua", "reaper", {})
