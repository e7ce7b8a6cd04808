"""An hour of playing: does the beat drift, does memory grow?

`python bench/soak.py [--minutes 60] [--preset default]` starts `gapt jam` without MIDI, plays eighth notes to it over
OSC and hears its chords. Every tenth of the time it prints how late the chords came against the beat of the very first
note, by this program's clock, and the memory of each of the bridge's processes. A drift is a lateness that grows;
memory is flat if the last line's is that of the second (the first still warms up).
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bridge.ports.osc.codec import build, parse

BPM = 120.0
LOOPBACK = "127.0.0.1"
SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62)


def free_port() -> int:
    """A UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        return int(udp.getsockname()[1])


def memory_mib(pid: int) -> list[float]:
    """Resident memory of a process and of its children, in the order in which they began."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    sizes = []
    for each in [str(pid), *children]:
        lines = Path(f"/proc/{each}/status").read_text().splitlines()
        sizes.append(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024)
    return sizes


class Listener:
    """Hears chords; `late` are milliseconds after their beat, since the last look."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.begin = 0.0
        self.late: list[float] = []
        self.frames_late = 0

    def hear(self, until: float) -> None:
        """Listen up to `until`, by the performance counter."""
        while (left := until - time.perf_counter()) > 0.0:
            self.socket.settimeout(left)
            try:
                datagram = self.socket.recv(4096)
            except TimeoutError:
                return
            now = time.perf_counter()
            for message in parse(datagram):
                if message.address == "/gapt/chord" and message.arguments[0] != "N":
                    self.late.append(1000.0 * (now - self.begin - float(message.arguments[1]) * 60.0 / BPM))
                elif message.address == "/gapt/status":
                    self.frames_late = int(message.arguments[5])


def play(way_in: int, listener: Listener, jam: subprocess.Popen[str], minutes: float) -> None:
    """Eighth notes for so long; a line every tenth of it."""
    player = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    count = round(minutes * BPM * 2)
    listener.begin = time.perf_counter() + 0.1
    for i in range(count):
        listener.hear(listener.begin + i * 30.0 / BPM)
        player.sendto(build("/gapt/note", [SCALE[i % len(SCALE)], 90]), (LOOPBACK, way_in))
        listener.hear(listener.begin + (i + 0.8) * 30.0 / BPM)
        player.sendto(build("/gapt/note", [SCALE[i % len(SCALE)], 0]), (LOOPBACK, way_in))
        if (i + 1) % max(1, count // 10) == 0 and listener.late:
            late = sorted(listener.late)
            sizes = " + ".join(f"{size:.1f}" for size in memory_mib(jam.pid))
            print(
                f"{(i + 1) * 0.5 / BPM:6.1f} min   {len(late):5d} chords   late p50 {statistics.median(late):7.3f}   "
                f"p99 {late[int(0.99 * (len(late) - 1))]:7.3f} ms   late frames {listener.frames_late}   {sizes} MiB",
                flush=True,
            )
            listener.late.clear()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--preset", default="default")
    options = parser.parse_args()
    listener, way_in = Listener(), free_port()
    ports = ["--osc-in", str(way_in), "--osc-out", str(listener.socket.getsockname()[1]), "--no-osc-query"]
    command = ["jam", "--no-midi", "--plain", "--sync", "internal", "--tempo", str(BPM), "--mode", "anticipate"]
    jam = subprocess.Popen(
        [sys.executable, "-c", "from bridge.cli import main; main()", *command, *ports, "--preset", options.preset],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert jam.stdout is not None
        while "Ready" not in jam.stdout.readline():
            pass
        # Nobody reads the lines from here on; a pipe that is full must not be what is measured.
        subprocess.Popen(["cat"], stdin=jam.stdout, stdout=subprocess.DEVNULL)
        play(way_in, listener, jam, options.minutes)
    finally:
        jam.terminate()
        jam.wait()


if __name__ == "__main__":
    main()
