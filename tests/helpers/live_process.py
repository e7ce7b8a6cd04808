"""A live session in a process of its own, with an accompanist that plays by a script.

The argument is a `PortChoice` as JSON: `live_process.py '{"osc_in": null}'`. It prints `ready` and then a line for
each chord, and ends on a signal.
"""

from __future__ import annotations

import json
import sys
from contextlib import closing

from bridge.controls.settings import Settings
from bridge.live.record import line_of
from bridge.live.session import open_jam
from bridge.ports.choice import PortChoice
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
    with open_jam(
        settings, (4, 4), choice, lambda: closing(ScriptedAccompanist(follow)), lambda sent: say(line_of(sent))
    ) as session:
        session.run(lambda: say("ready"))
    say("ended")


if __name__ == "__main__":
    try:
        main(PortChoice(**json.loads(sys.argv[1])))
    except GaptError as error:
        sys.exit(f"Error: {error}")
