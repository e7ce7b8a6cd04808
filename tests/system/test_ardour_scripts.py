"""Our scripts for Ardour, run in a real one without a window, on its Dummy backend."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from ardour import interpreter
from ardour_script import running, told

from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import parse

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(interpreter() is None, reason="no ardour-lua is installed (Debian: ardour)"),
]

PATIENCE = 20.0

LOOK = """
local function joined (port, flags)
  local _, found = Session:engine ():get_backend_ports ("", ARDOUR.DataType ("midi"), flags, C.StringVector ())
  local names = {}
  for name in found[4]:iter () do
    if port:connected_to (name) then table.insert (names, name) end
  end
  return table.concat (names, "+")
end
local function look ()
  sleep (0.5)
  for route in Session:get_routes ():iter () do
    local track = route:to_track ()
    if not track:isnil () then
      local sends = route:output ():n_ports ():n_midi () > 0
      tell (route:name (), joined (route:input ():midi (0), ARDOUR.PortFlags.IsOutput),
        sends and joined (route:output ():midi (0), ARDOUR.PortFlags.IsInput) or "",
        math.floor (track:rec_enable_control ():get_value ()), math.floor (track:monitoring_control ():get_value ()),
        route:output ():n_ports ():n_audio ())
    end
  end
end
"""
"""Tells of every track: name, what plays into it, what it plays to, armed, monitoring, channels of sound."""

PORTS = '{["to"] = "MIDI Clock in", ["from"] = "virtual-keyboard"%s}'
"""Ports that Ardour has of its own stand for the bridge's, for the Dummy backend has no others."""

CHORDS = ["GAPT chords", ":x-virtual-keyboard", "", "1", "1", "2"]
MELODY = ["Melody", "", ":MIDI Clock in", "0", "0", "0"]


def test_it_makes_both_tracks_joined_to_the_bridge_and_only_once(tmp_path: Path) -> None:
    body = LOOK + f"make ({PORTS % ''}) ()\nlook ()\ntell ('again')\nmake ({PORTS % ''}) ()\nlook ()\n"
    assert told(tmp_path, "GAPT tracks.lua", body) == [MELODY, CHORDS, ["again"], MELODY, CHORDS]


def test_a_track_of_the_melodys_name_is_taken_where_it_sends_midi(tmp_path: Path) -> None:
    add = """
    local midi, two = ARDOUR.ChanCount (ARDOUR.DataType ("midi"), 1), ARDOUR.ChanCount (ARDOUR.DataType ("audio"), 2)
    for name, outputs in pairs {Lead = midi, Strings = two} do
      Session:new_midi_track (midi, outputs, true, ARDOUR.PluginInfo (), nil, nil, 1, name,
        ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
    end
    """
    more = ', ["melody"] = "Lead", ["chords"] = "Band"'
    lines = {
        name: rest
        for name, *rest in told(tmp_path, "GAPT tracks.lua", f"{add}{LOOK}make ({PORTS % more}) ()\nlook ()\n")
    }
    assert lines.keys() == {"Lead", "Strings", "Band"}
    assert lines["Lead"][1].endswith("MIDI Clock in")
    assert lines["Strings"][1] == ""


def test_without_the_bridges_ports_nothing_is_changed(tmp_path: Path) -> None:
    hear = "local shown = print\nprint = function (words) shown ('told|' .. words) end\n"
    body = f"{LOOK}{hear}make () ()\nprint = shown\nlook ()\n"
    ((words,),) = told(tmp_path, "GAPT tracks.lua", body)
    assert "“GAPT Bridge in”" in words and "gapt jam" in words


def test_it_tells_the_bridge_where_the_song_stands(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        udp.settimeout(PATIENCE)
        body = f"""
        local tempi = Temporal.TempoMap.fetch_writable ()
        tempi:set_tempo (Temporal.Tempo (90, 90, 4), Temporal.timepos_t (0))
        tempi:set_meter (Temporal.Meter (3, 4), Temporal.timepos_t (0))
        Temporal.TempoMap.update (tempi)
        tempi = nil
        local step = make ({{port = "{udp.getsockname()[1]}"}})
        step ()
        Session:request_roll (ARDOUR.TransportRequestSource.TRS_UI)
        for count = 1, 600 do
          sleep (0.1)
          step ()
        end
        """
        with running(tmp_path, "GAPT transport.lua", body):
            told_of = [host(udp.recv(4096))]
            while told_of[-1][0] < 4.0:
                told_of.append(host(udp.recv(4096)))
    assert told_of[0] == (0.0, 90.0, 0, 3, 4)
    assert told_of[-1][1:] == (90.0, 1, 3, 4)
    assert [place for place, *_ in told_of] == sorted(place for place, *_ in told_of)


def host(datagram: bytes) -> tuple[float, float, int, int, int]:
    """The arguments of the one message /gapt/host."""
    (message,) = parse(datagram)
    assert message.address == "/gapt/host"
    beat, bpm, *rest = message.arguments
    assert isinstance(beat, float) and isinstance(bpm, float) and all(isinstance(value, int) for value in rest)
    return (beat, bpm, *rest)  # type: ignore[return-value]  # three integers
