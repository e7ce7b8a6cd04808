"""A scripted session of `gapt jam` among real programs, and a table of what came of it; exit code 1 if a row fails.

`python bench/session.py [--minutes 10] [--mode anticipate] [--keep FOLDER]`. On a JACK server of its own without a
sound card: `klick` rules JACK's transport by a tempo map with two changes, `jack_midi_clock` tells it as MIDI clock, a
player plays eighths locked to its bars, a listener writes down every message with its frame, Pure Data and `oscdump`
subscribe by OSC. Meanwhile: five stops and starts, a loop of four bars, another preset, the policy's process killed,
the player's port and the synthesizer's port lost and back; at last SIGTERM in the middle of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _ear import Ear, pd_patch
from _evidence import Evidence, Row
from _heard import Protocol
from _studio import (
    PERIOD,
    RATE,
    Studio,
    StudioError,
    children,
    free_port,
    missing,
    resident_mib,
    studio,
    wait_for,
)
from _tempomap import BEATS_PER_BAR, Section, TempoMap
from _verdict import rows

TEMPOS = (120.0, 96.0, 150.0)
"""Of these a tick of MIDI clock is a whole number of frames, and starts lie outside the second: else jack_midi_clock
continues a tick after the place that it has told."""
LAST_BARS = 1000
RESYNC_SECONDS = 0.25
"""Between song position and continue, as hosts have it; 2 s is jack_midi_clock's own choice."""

PAUSE_SECONDS = 1.5
AWAY_SECONDS = 4.0
READY_SECONDS = 120.0
SHORT_ACT, LONG_ACT = 8.0, 20.0
"""Least seconds of an act, and of one in which something has to recover."""
LOOP_BARS = 4
OTHER_PRESET = "public-domain"
NO_STUDIO = 77
"""Exit code where a program is not installed; other programs use it for a skipped test."""
WORKER, GUARDIAN = "plugin_host.worker", "bridge.guardian"


class Script:
    """What happens, act by act. Everything done is marked with JACK's frame."""

    def __init__(self, rack: Studio, tempos: TempoMap, ear: Ear, osc_port: int) -> None:
        """The studio stands; `gapt jam` runs."""
        import jack

        self.marks: list[tuple[str, int]] = []
        self.workers: set[int] = set()  # processes of the policy so far
        self.restarts = 0
        self.last_memory: dict[str, float] = {}
        self._rack, self._tempos, self._ear, self._osc_port = rack, tempos, ear, osc_port
        self._transport: Any = jack.Client("control", no_start_server=True)
        self._stopped = jack.STOPPED
        self._transport.activate()

    @property
    def pid(self) -> int:
        """Of `gapt jam`."""
        return self._rack.process("jam").pid

    def memory(self) -> dict[str, float]:
        """MiB of each of the bridge's processes."""
        found = {"jam": resident_mib(self.pid)}
        for pid, command in children(self.pid).items():
            name = "worker" if WORKER in command else "guardian" if GUARDIAN in command else "child"
            found[name] = found.get(name, 0.0) + resident_mib(pid)
        return found

    def mark(self, name: str) -> None:
        """Note that this happens now."""
        self.marks.append((name, self._transport.frame_time))

    def start(self, beats: float | None = None) -> None:
        """Roll from `beats`, or from where the transport stands."""
        if beats is not None:
            self._transport.transport_locate(round(self._tempos.frame(beats)))
            time.sleep(0.2)
        self.mark("start")
        self._transport.transport_start()

    def stop(self) -> None:
        """Stand still for a while."""
        self._transport.transport_stop()
        wait_for("the transport stops", lambda: self._transport.transport_state == self._stopped)
        self.mark("stop")
        self.roll(PAUSE_SECONDS)

    def roll(self, seconds: float) -> None:
        """Let time pass, and see to it that everybody is still there.

        Raises:
            StudioError: a program has ended.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._rack.dead():
                raise StudioError(f"{', '.join(self._rack.dead())} ended by itself.")
            self.workers |= {pid for pid, command in children(self.pid).items() if WORKER in command}
            time.sleep(min(left, 0.2))

    def tempo_changes(self, seconds: float) -> None:
        """From the beginning, through two changes of tempo."""
        self.start(0.0)
        self.roll(max(seconds, self._tempos.frame(self._tempos.changes[-1]) / RATE + SHORT_ACT))
        self.stop()

    def change_preset(self, seconds: float) -> None:
        """From the middle of a bar on; another preset half way."""
        self.start(self._tempos.changes[-1] + 2.5)
        self.roll(seconds / 2)
        self.mark("preset")
        self._rack.send_osc(self._osc_port, "/gapt/preset", "s", OTHER_PRESET)
        self.roll(seconds / 2)
        self.stop()

    def loop(self, passes: int) -> None:
        """Four bars, over and over."""
        begin = self._tempos.changes[-1] + BEATS_PER_BAR * LOOP_BARS
        first, end = (round(self._tempos.frame(beats)) for beats in (begin, begin + BEATS_PER_BAR * LOOP_BARS))
        self.start(begin)
        for i in range(passes):
            while self._transport.transport_frame < end:
                time.sleep(0.001)
            if i < passes - 1:
                self.mark("jump")
                self._transport.transport_locate(first)
                time.sleep(0.1)
        self.mark("loop ended")
        self.stop()

    def kill_worker(self, seconds: float) -> None:
        """The policy's process dies."""
        self.start(0.0)
        self.roll(seconds / 3)
        workers = [pid for pid, command in children(self.pid).items() if WORKER in command]
        before = self.workers | set(workers)
        self.mark("worker killed")
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        self.roll(seconds * 2 / 3)
        self.restarts = len(self.workers - before)
        self.stop()

    def lose_ports(self, seconds: float) -> None:
        """The player's cable is pulled in the middle of a note and put back; then the synthesizer's."""
        self.start(self._tempos.changes[-1])
        self.roll(seconds / 4)
        self.mark("player unplugged")
        self._rack.process("player").send_signal(signal.SIGUSR1)
        self.roll(AWAY_SECONDS)
        self.mark("player back")
        self._rack.process("player").send_signal(signal.SIGUSR2)
        self._rack.connect("player:melody", "ledger:melody")
        self.roll(seconds / 4)
        self.mark("output unplugged")
        self._rack.process("listener").send_signal(signal.SIGUSR1)
        self.roll(AWAY_SECONDS)
        self._rack.process("listener").send_signal(signal.SIGUSR2)
        self.mark("output back")
        self.roll(seconds / 2)
        self.stop()

    def end(self, seconds: float) -> int:
        """SIGTERM in the middle of a chord; the exit code of `gapt jam`."""
        self.start(0.0)
        self.roll(seconds)
        self.last_memory = self.memory()
        self.mark("end")
        code = self._rack.stop("jam")
        time.sleep(PAUSE_SECONDS)
        self._transport.transport_stop()
        return code

    def close(self) -> None:
        """Let the transport go."""
        self._transport.deactivate()
        self._transport.close()


def play(script: Script, minutes: float) -> int:
    """All acts; the exit code of `gapt jam`."""
    began, seconds = time.monotonic(), 60.0 * minutes
    script.tempo_changes(0.25 * seconds)
    script.change_preset(max(SHORT_ACT, 0.12 * seconds))
    script.loop(max(3, round(0.15 * seconds / (LOOP_BARS * BEATS_PER_BAR * 60.0 / TEMPOS[-1]))))
    script.kill_worker(max(LONG_ACT, 0.2 * seconds))
    script.lose_ports(max(LONG_ACT, 0.2 * seconds))
    return script.end(max(SHORT_ACT, seconds - (time.monotonic() - began)))


def tempo_map(minutes: float) -> TempoMap:
    """Three tempos, the first two for about a twelfth of the session each."""
    first, second = (max(2, round(minutes * bpm / BEATS_PER_BAR / 12.0)) for bpm in TEMPOS[:2])
    return TempoMap([Section(b, t) for b, t in zip((first, second, LAST_BARS), TEMPOS, strict=True)], RATE)


def furnish(rack: Studio, tempos: TempoMap) -> None:
    """Start what a studio has before the bridge comes."""
    path = rack.folder / "tempomap.txt"
    path.write_text(tempos.klick(), "ascii")
    rack.start_jack(f"gapt-session-{os.getpid()}")
    rack.start("klick", "klick", "-T", "-f", str(path))
    rack.start("clock", "jack_midi_clock", "-d", str(RESYNC_SECONDS))
    rack.start_python("listener", "_listener.py", str(rack.folder / "heard.jsonl"))
    rack.connect("jack_midi_clock:mclk_out", "ledger:clock")
    rack.start_python("player", "_player.py", str(path))
    rack.connect("player:melody", "ledger:melody")


def start_jam(rack: Studio, ear: Ear, osc_port: int, options: argparse.Namespace) -> None:
    """Start `gapt jam` and its subscribers; returns when it plays.

    Raises:
        StudioError: it does not get ready.
    """
    gapt = [str(Path(sys.executable).with_name("gapt")), "-v", "jam", "--plain", "--sync", "midi"]
    ports = ["--in", "player:melody", "--in", "jack_midi_clock:mclk_out", "--out", "ledger:chords"]
    osc = ["--osc-in", str(osc_port), "--osc-out", str(ear.port), "--no-osc-query"]
    take = ["--record", str(rack.folder / "take.mid")]
    rack.start("jam", *gapt, "--mode", options.mode, "--preset", options.preset, *ports, *osc, *take, *options.jam)

    def answers() -> bool:
        if rack.dead():
            raise StudioError(f"{rack.dead()} ended: {rack.log('jam', 'err').read_text(errors='replace')[-2000:]}")
        ear.send(osc_port, "/gapt/hello", 1, "session")
        return bool(ear.newest("/gapt/hello"))

    wait_for("gapt jam answers", answers, READY_SECONDS)
    dump, pd = free_port(), free_port()
    rack.start("oscdump", "oscdump", "-L", str(dump))
    patch = rack.folder / "session.pd"
    patch.write_text(pd_patch(osc_port, pd, ear.port), "ascii")
    rack.start("pd", "pd", "-nogui", "-noaudio", "-nomidi", "-sleepgrain", "0.5", "-stderr", str(patch))
    time.sleep(1.0)
    rack.send_osc(osc_port, "/gapt/subscribe", "i", dump)


def session(options: argparse.Namespace, folder: Path) -> Evidence:
    """Play it, and gather what it left behind.

    Raises:
        StudioError: a program did not do what it is there for.
    """
    tempos, osc_port = tempo_map(options.minutes), free_port()
    with studio(folder) as rack, contextlib.closing(Ear()) as ear:
        rack.set("XDG_CONFIG_HOME", str(folder / "config"))
        furnish(rack, tempos)
        start_jam(rack, ear, osc_port, options)
        with contextlib.closing(Script(rack, tempos, ear, osc_port)) as script:
            script.roll(2.0)
            before = script.memory()
            code = play(script, options.minutes)
        rack.stop("listener")
    dumped = rack.log("oscdump", "out").read_text(errors="replace")
    evidence = Evidence(Protocol.read(folder / "heard.jsonl", RATE), tempos, PERIOD, ear.told, script.marks)
    evidence.take, evidence.exit_code, evidence.mode = folder / "take.mid", code, options.mode
    evidence.said = "".join(rack.log("jam", stream).read_text(errors="replace") for stream in ("out", "err"))
    evidence.memory = {name: (before[name], script.last_memory.get(name, 0.0)) for name in before}
    evidence.others = {"Pure Data": len(ear.heard("/pd/chord")), "oscdump": dumped.count(" /gapt/chord ")}
    evidence.restarts = script.restarts
    return evidence


def show(table: Sequence[Row]) -> None:
    """Print it."""
    width = max(len(row.name) for row in table)
    for row in table:
        verdict = {True: "ok", False: "FAIL", None: ""}[row.good]
        print(f"{row.name:<{width}}  {verdict:<4}  {row.found}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="about; below 2 every act has its least length")
    parser.add_argument("--mode", choices=("anticipate", "react"), default="anticipate")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--keep", type=Path, help="a folder for the take and everything that was written down")
    parser.add_argument("jam", nargs="*", help="further options of gapt jam, after --")
    options = parser.parse_args()
    if missing():
        print(missing())
        return NO_STUDIO
    # So that a SIGTERM, too, takes everything down again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            table = rows(session(options, folder))
        except StudioError as error:
            print(f"The session broke off: {error}")
            return 1
        show(table)
    return int(any(row.good is False for row in table))


if __name__ == "__main__":
    sys.exit(main())
