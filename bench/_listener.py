"""Writes down, frame by frame, what other JACK clients send and where the transport stands. A process of its own.

`python bench/_listener.py FILE`: a client `ledger` with the MIDI ports `chords`, `melody` and `clock`. FILE gets a line
of JSON for each message, `["m", port, frame, [byte…]]`, for each turn of the transport, `["t", frame, rolling, frame of
the transport]`, about once a second for the clock, `["c", frame, seconds of perf_counter]`, and for each `["x", frame]`
at which the server was late. Frames are those of `jack_frame_time`. It ends on SIGTERM.

SIGUSR1 takes the port `chords` away and SIGUSR2 brings it back, as when an interface is unplugged behind which the
synthesizer goes on sounding; both are written down, `["p", frame, there]`.
"""

from __future__ import annotations

import json
import queue
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import jack
from _manners import live_client

CLIENT = "ledger"
PORTS = ("chords", "melody", "clock")
FLUSH_SECONDS = 0.05
SIGNALS = {signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}


class Listener:
    """A client whose callback only notes; the file is written by the main thread."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.lines: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
        self._client = jack.Client(CLIENT, no_start_server=True)
        self._ports = [(name, self._client.midi_inports.register(name)) for name in PORTS]
        self._stands: tuple[bool, int] | None = None
        self._told = -1
        self._client.set_process_callback(self._process)
        self._client.set_xrun_callback(lambda _: self.lines.put(["x", self._client.frame_time]))
        self._client.activate()

    def unplug(self) -> None:
        """Take the first port away."""
        _, port = self._ports[0]
        self._ports = self._ports[1:]
        time.sleep(FLUSH_SECONDS)  # a callback under way may still look at it
        port.unregister()
        self.lines.put(["p", self._client.frame_time, False])

    def plug(self) -> None:
        """Bring it back."""
        self.lines.put(["p", self._client.frame_time, True])
        self._ports = [(PORTS[0], self._client.midi_inports.register(PORTS[0])), *self._ports]

    def close(self) -> None:
        """Listen no more."""
        self._client.deactivate()
        self._client.close()

    def _process(self, frames: int) -> None:
        seconds, begin = time.perf_counter(), self._client.last_frame_time
        state, position = self._client.transport_query_struct()
        rolling = state == jack.ROLLING
        stands = (rolling, position.frame - begin if rolling else position.frame)
        if stands != self._stands:
            self._stands = stands
            self.lines.put(["t", begin, rolling, position.frame])
        if begin // self._client.samplerate != self._told:
            self._told = begin // self._client.samplerate
            self.lines.put(["c", begin, seconds])
        for name, port in self._ports:
            for offset, data in port.incoming_midi_events():
                self.lines.put(["m", name, begin + offset, list(bytes(data))])


def write(listener: Listener, file: TextIO) -> None:
    """Write what has come since the last time."""
    while not listener.lines.empty():
        file.write(json.dumps(listener.lines.get()) + "\n")
    file.flush()


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    live_client()
    listener = Listener()
    with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
        while True:
            came = signal.sigtimedwait(SIGNALS, FLUSH_SECONDS)
            number = came.si_signo if came else 0
            if number == signal.SIGUSR1:
                listener.unplug()
            elif number == signal.SIGUSR2:
                listener.plug()
            elif number == signal.SIGTERM:
                listener.close()
            write(listener, file)
            if number == signal.SIGTERM:
                return


if __name__ == "__main__":
    main()
