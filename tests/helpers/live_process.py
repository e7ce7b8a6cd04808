"""A live session in a process of its own, with an accompanist that plays by a script.

The argument is a `PortChoice` as JSON, without OSC unless it says so: `live_process.py '{"midi_out": null}'`. It
prints `ready` and then a line for each chord, and ends on a signal.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing

from bridge.controls.settings import Settings
from bridge.controls.user_file import UserFile
from bridge.live.jam import open_jam
from bridge.live.record import line_of
from bridge.live.show import Show
from bridge.ports.choice import PortChoice
from bridge.ports.osc.choice import OscChoice
from gapt_core.chords import Chord
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, NOTE_ONSET, SILENCE, sounding_chord
from plugin_host.scripted import ScriptedAccompanist
from presets.errors import GaptError

BPM = 240.0


def follow(frame: int, metre: tuple[int, int, int], note: int, before: int) -> int:
    """The major chord of whatever note is heard; it goes on through rests."""
    sounding = sounding_chord(before)
    if note != SILENCE:
        chord = Chord((note - NOTE_ONSET) % 128 % 12, "maj").index
        return CHORD_HOLD + chord if chord == sounding else CHORD_ONSET + chord
    return NO_CHORD if sounding is None else CHORD_HOLD + sounding


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(choice: PortChoice) -> None:
    settings = Settings(tempo=BPM, window_ms=1.0, entry="free")
    show = Show(say, lambda sent: say(line_of(sent)))
    with open_jam(settings, choice, lambda: closing(ScriptedAccompanist(follow)), show, UserFile.load()) as opened:
        session, _ = opened
        session.run(lambda: say("ready"))
    say("ended")


def choice_of(text: str) -> PortChoice:
    """A `PortChoice` in JSON, `osc` within it an `OscChoice`."""
    fields = json.loads(text)
    osc = fields.pop("osc", None)
    return PortChoice(**fields, osc=osc and OscChoice(**{**osc, "out": osc.get("out") and tuple(osc["out"])}))


if __name__ == "__main__":
    try:
        main(choice_of(sys.argv[1]))
    except GaptError as error:
        sys.exit(f"Error: {error}")
