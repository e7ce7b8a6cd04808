"""Whether a page costs the music anything: the same demo jam without a page, and with two pages open.

`python bench/page.py [--minutes 10] [--preset default] [--sockets]`. Both jams are real ones, `gapt jam --demo` in a
process of its own over the same long melody with the same seed, one after the other. The pages are two windows of a
real Chromium, which draw all the time, where playwright and a browser are there; else, or with `--sockets`, two
WebSocket clients that read everything. A row says how late chords left after their frame. A chord counts as late where
it left more than `--late` milliseconds after what 99 in 100 chords keep without a page. The goal: no late frame and no
late chord more than without a page. The machine should do nothing else; a browser without a graphics card draws on the
very cores that the music needs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.live.record import percentile
from gapt_core.data.duet import Duet, write_duet
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres

BPM = 120.0
PHRASE = (60, 64, 67, 64, 65, 69, 72, 69, 62, 65, 69, 65, 67, 71, 74, 71)
CHORD = re.compile(r"beat +(-?[\d.]+) +(\S+) +([+-][\d.]+) ms")
FRAMES = re.compile(r"(\d+) late frames")
PAGE = re.compile(r"The page is at (\S+)")
HEADER = f"{'':<26}{'chords':>8}{'p50 ms':>9}{'p99 ms':>9}{'worst ms':>10}{'late frames':>13}"
PATIENCE = 60.0


@dataclass
class Jam:
    """A running jam and what it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    url: str = ""
    served: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Take all that it prints, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := PAGE.search(line):
                self.url = found[1]
                self.served.set()

    @property
    def chords(self) -> dict[float, tuple[str, float]]:
        """Name and milliseconds late of each chord, by its beat."""
        found = filter(None, map(CHORD.match, self.lines))
        return {float(match[1]): (match[2], float(match[3])) for match in found}

    @property
    def late_frames(self) -> int:
        """As its last line says."""
        return int(next(match[1] for line in reversed(self.lines) if (match := FRAMES.search(line))))

    def row(self, name: str) -> str:
        """A line of the table."""
        late = sorted(milliseconds for _, milliseconds in self.chords.values())
        figures = (percentile(late, share) for share in (0.5, 0.99, 1.0))
        p50, p99, worst = figures
        return f"{name:<26}{len(late):8d}{p50:9.2f}{p99:9.2f}{worst:10.2f}{self.late_frames:13d}"


def melody(path: Path, minutes: float) -> None:
    """Quarter notes at 120 for so long, the phrase a tone higher each time it comes."""
    count = round(minutes * BPM)
    notes = tuple(Note(float(i), 0.9, PHRASE[i % 16] + 2 * (i // 16 % 6), 80) for i in range(count))
    metres = (Metre(0.0, 4, 4),)
    bars = bars_from_metres(metres, float(count))
    write_duet(path, Duet(Song("bench", notes, None, metres, bars, (Tempo(0.0, BPM),), float(4 * len(bars))), (), ()))


@contextlib.contextmanager
def playing(tune: Path, preset: str, *options: str) -> Iterator[Jam]:
    """A jam over `tune`; it has ended on the way out."""
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "jam", "--demo", str(tune), "--no-midi"]
    command += ["--preset", preset, "-o", str(tune.with_name("out.mid")), "--seed", "1", "--density", "2", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    jam = Jam(process)
    reader = threading.Thread(target=jam.read, daemon=True)
    reader.start()
    try:
        yield jam
        process.wait()
    finally:
        process.kill()
        reader.join()


@contextlib.contextmanager
def two_tabs(url: str) -> Iterator[None]:
    """Two tabs of a real browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        # Two windows, for a tab that nobody sees does not draw.
        pages = [browser.new_context().new_page() for _ in range(2)]
        for page in pages:
            page.goto(url)
        yield
        browser.close()


@contextlib.contextmanager
def two_clients(url: str) -> Iterator[None]:
    """Two clients that read everything, on threads."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    def read() -> None:
        origin = url.rstrip("/")
        with (
            contextlib.suppress(ConnectionClosed),
            connect(f"ws{origin.removeprefix('http')}/ws", origin=origin, proxy=None) as socket,  # type: ignore[arg-type]
        ):
            for text in socket:
                message: dict[str, Any] = json.loads(text)
                if message["type"] == "ended":
                    return

    threads = [threading.Thread(target=read, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(PATIENCE)


def browser_path() -> str | None:
    """A Chromium of the system; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def has_browser() -> bool:
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return False
    return browser_path() is not None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--sockets", action="store_true", help="WebSocket clients, even where there is a browser")
    parser.add_argument("--late", type=float, default=5.0, help="milliseconds")
    options = parser.parse_args()
    browser = not options.sockets and has_browser()
    watching = two_tabs if browser else two_clients
    with tempfile.TemporaryDirectory() as folder:
        tune = Path(folder) / "tune.mid"
        melody(tune, options.minutes)
        print(HEADER, flush=True)
        with playing(tune, options.preset) as alone:
            pass
        print(alone.row("without a page"), flush=True)
        with playing(tune, options.preset, "--page", "--page-port", "0", "--no-page-open") as shown:
            if not shown.served.wait(PATIENCE):
                sys.exit("The page was not served.")
            with watching(shown.url):
                shown.process.wait()
        print(shown.row("two tabs of Chromium" if browser else "two WebSocket clients"))
    return verdict(alone, shown, options.late)


def verdict(alone: Jam, shown: Jam, allowance: float) -> int:
    """Say whether the goal is met; the exit code."""
    usual = percentile(sorted(late for _, late in alone.chords.values()), 0.99)
    limit = usual + allowance
    late = {beat for beat, (_, milliseconds) in shown.chords.items() if milliseconds > limit}
    before = {beat for beat, (_, milliseconds) in alone.chords.items() if milliseconds > limit}
    more = shown.late_frames - alone.late_frames
    same = sum(alone.chords.get(beat, ("", 0.0))[0] == name for beat, (name, _) in shown.chords.items())
    print(f"{same} of {len(shown.chords)} chords are the same at the same beat.")
    print(f"Later than {limit:.1f} ms: {len(before)} without a page, {len(late)} with; late frames: {more:+d}.")
    met = len(late) <= len(before) and more <= 0
    print("The goal, no late chord more with two pages than without: " + ("met." if met else "MISSED."))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
