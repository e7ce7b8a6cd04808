"""Ports as a session has them, in a process that can be killed. The arguments: ports to hear, `--`, ports to play to.

Lines on its input: `on PITCH`, `off PITCH`, `silence`, `words PORT`, `quit`; on its output: the guardian's number after
`ready`, and every fact that comes in.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import sys
import threading

from midi_peer import say

from bridge.events import EndNote, InEvent, NoteOff, NoteOn, OutMessage, PlayNote, PortChanged, Silence
from bridge.guardian.guardian import Guardian
from bridge.ports.midi import MidiPorts, open_midi
from bridge.timing.clock import MonotonicClock

TEND_SECONDS = 0.1
CHANNEL = 2


def show(event: InEvent) -> None:
    if isinstance(event, PortChanged):
        say(f"{event.way} {'there' if event.there else 'lost'}")
    elif isinstance(event, NoteOn):
        say(f"on {event.pitch} {event.channel}")
    elif isinstance(event, NoteOff):
        say(f"off {event.pitch} {event.channel}")
    else:
        say(type(event).__name__)


def message_of(words: list[str]) -> OutMessage:
    if words[0] == "on":
        return PlayNote(0.0, int(words[1]), 64, CHANNEL)
    return EndNote(0.0, int(words[1]), CHANNEL) if words[0] == "off" else Silence(0.0, CHANNEL)


def main(heard: list[str], played: list[str]) -> None:
    names_in, names_out = [name or None for name in heard], [name or None for name in played]
    with contextlib.ExitStack() as stack:
        guardian = Guardian()
        stack.callback(guardian.close)
        ports = open_midi(names_in, names_out, MonotonicClock(), guardian, report=say)
        stack.callback(ports.close)
        ports.start(show)
        say("ready")
        say(str(guardian.pid))
        serve(ports, guardian)
    say("closed")


def serve(ports: MidiPorts, guardian: Guardian) -> None:
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: [lines.put(line) for line in itertools.chain(sys.stdin, ["quit"])], daemon=True
    ).start()
    while True:
        ports.tend()
        try:
            words = lines.get(timeout=TEND_SECONDS).split()
        except queue.Empty:
            continue
        if words[0] == "quit":
            return
        if words[0] == "words":
            guardian.last_words([("127.0.0.1", int(words[1]), b"the end")])
        else:
            for way in ports.ways_out:
                way.send(message_of(words))


if __name__ == "__main__":
    cut = sys.argv.index("--")
    main(sys.argv[1:cut], sys.argv[cut + 1 :])
