"""Plays a melody in eighths, locked to the bars of JACK's transport. A process of its own.

`python bench/_player.py TEMPOMAP`: a client `player` with the MIDI port `melody`. TEMPOMAP is the file that `klick`
reads too. It ends on SIGTERM. SIGUSR1 takes the port away, whose last note stays on, as when a cable is pulled, and
SIGUSR2 brings it back: the client itself stays, for the server stands still a tenth of a second when one leaves.
"""

from __future__ import annotations

import signal
import sys
import time
from bisect import bisect_left
from pathlib import Path

import jack
from _manners import live_client
from _tempomap import BEATS_PER_BAR, TempoMap

CLIENT, PORT = "player", "melody"
NOTE_ON, NOTE_OFF = 0x90, 0x80
SIGNALS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}
UNPLUG_SECONDS = 0.05
EIGHTH, SOUNDING = 0.5, 0.45
"""In beats."""

TUNE = (
    (64, 67, 72, 67, 64, 67, 72, 74),
    (76, 72, 69, 72, 76, 77, 76, 72),
    (69, 72, 77, 72, 69, 72, 77, 79),
    (79, 74, 71, 74, 79, 77, 74, 71),
    (72, 67, 64, 67, 72, 74, 76, 74),
    (72, 69, 64, 69, 72, 71, 69, 71),
    (74, 69, 65, 69, 74, 72, 69, 65),
    (67, 71, 74, 77, 74, 71, 74, 71),
)
"""Bars over C, a, F, G, C, a, d and G7."""

Event = tuple[int, bytes]
"""A frame of the transport and a message."""


def tune(tempos: TempoMap, bars: int) -> list[Event]:
    """The tune over and over, `bars` bars of it."""
    events: list[Event] = []
    for i in range(bars * len(TUNE[0])):
        pitch = TUNE[i // len(TUNE[0]) % len(TUNE)][i % len(TUNE[0])]
        onset = i * EIGHTH
        velocity = 100 if onset % BEATS_PER_BAR == 0 else 80
        events.append((round(tempos.frame(onset)), bytes([NOTE_ON, pitch, velocity])))
        events.append((round(tempos.frame(onset + SOUNDING)), bytes([NOTE_OFF, pitch, 64])))
    return events


class Player:
    """A client that plays while the transport rolls."""

    def __init__(self, events: list[Event], client: jack.Client) -> None:
        """Play from now on."""
        self._events = events
        self._frames = [frame for frame, _ in events]
        self._client = client
        self._port: jack.OwnMidiPort | None = client.midi_outports.register(PORT)
        self._expected = -1  # the transport's frame at the next callback unless it jumps
        self._sounding: int | None = None
        client.set_process_callback(self._process)
        client.activate()

    def unplug(self) -> None:
        """Take the port away, in the middle of a note if one sounds."""
        port, self._port, self._sounding = self._port, None, None
        time.sleep(UNPLUG_SECONDS)  # a callback under way may still write to it
        port.unregister()

    def plug(self) -> None:
        """Bring it back."""
        self._port = self._client.midi_outports.register(PORT)

    def _process(self, frames: int) -> None:
        port = self._port
        if port is None:
            return
        port.clear_buffer()
        state, position = self._client.transport_query_struct()
        rolling = state == jack.ROLLING
        if self._sounding is not None and not (rolling and position.frame == self._expected):
            port.write_midi_event(0, bytes([NOTE_OFF, self._sounding, 64]))
            self._sounding = None
        if not rolling:
            return
        self._expected = position.frame + frames
        i = bisect_left(self._frames, position.frame)
        while i < len(self._events) and self._frames[i] < self._expected:
            self._play(port, self._frames[i] - position.frame, self._events[i][1])
            i += 1

    def _play(self, port: jack.OwnMidiPort, offset: int, data: bytes) -> None:
        if data[0] == NOTE_ON:
            self._sounding = data[1]
        elif data[1] != self._sounding:
            return
        else:
            self._sounding = None
        port.write_midi_event(offset, data)


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    live_client()
    client = jack.Client(CLIENT, no_start_server=True)
    tempos = TempoMap.parse(Path(sys.argv[1]).read_text("ascii"), client.samplerate)
    player = Player(tune(tempos, sum(section.bars for section in tempos.sections)), client)
    while (number := signal.sigwait(SIGNALS)) != signal.SIGTERM:
        if number == signal.SIGUSR1:
            player.unplug()
        else:
            player.plug()
    client.deactivate()
    client.close()


if __name__ == "__main__":
    main()
