"""The running jam in a terminal: beat, melody, the chord now in large letters, chords to come, how the policy fares.

The sender's thread only puts messages into a queue; a thread of the view takes them out and draws.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Union

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from bridge.events import OutMessage
from bridge.live.letters import large, pitch_name, symbol
from bridge.live.view_state import ViewState, printable

FRAMES_PER_SECOND = 12.0
PATIENCE_SECONDS = 1.0
METER_CELLS = 10

_Item = Union[OutMessage, str]

logger = logging.getLogger(__name__)


class View:
    """A live picture. `send` and `say` return at once and may be called from any thread."""

    def __init__(self, console: Console | None = None, now: Callable[[], float] = time.perf_counter) -> None:
        """Show nothing yet; `now` is the session's clock."""
        self._console = console or Console(highlight=False)
        self._now = now
        self._state = ViewState()
        self._queue: queue.SimpleQueue[tuple[_Item, float]] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    def send(self, message: OutMessage) -> None:
        """Show what `message` tells; never blocks."""
        self._queue.put((message, self._now()))

    def say(self, sentence: str) -> None:
        """Show a sentence among what happened last; never blocks."""
        self._queue.put((sentence, self._now()))

    def close(self) -> None:
        """Take the picture away, but do not wait for a terminal that stands still. Safe to call twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        try:
            with Live(console=self._console, auto_refresh=False, transient=True) as live:
                while not self._closing.wait(1.0 / FRAMES_PER_SECOND):
                    self._take_all()
                    live.update(picture(self._state, self._now(), self._console), refresh=True)
        except OSError as error:
            # The terminal is gone; the music goes on.
            logger.debug("nobody looks: %s", error)

    def _take_all(self) -> None:
        while True:
            try:
                item, seconds = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, str):
                self._state.say(item)
            else:
                self._state.take(item, seconds)


def is_watched(console: Console | None = None) -> bool:
    """Whether standard output is a terminal that can be drawn on; where it is not, plain lines are better."""
    console = console or Console()
    return console.is_terminal and not console.is_dumb_terminal


def picture(state: ViewState, seconds: float, console: Console) -> RenderableType:
    """The whole picture at `seconds`."""
    width = console.width - 4
    lines: list[RenderableType] = [
        _transport(state, seconds, ("●", "○") if _draws(console) else ("*", ".")),
        Text(""),
        _now_playing(state, console),
        Text(""),
        _to_come(state, seconds, width),
        _health(state),
        Text("─" * width if _draws(console) else "-" * width, style="dim"),
        *(Text(note, style="dim", no_wrap=True, overflow="ellipsis") for note in state.notes),
    ]
    preset = f" · {state.status.preset}" if state.status else ""
    return Panel(
        Group(*lines), title=f"GAPT Bridge{preset}", title_align="left", subtitle="Ctrl-C ends", padding=(0, 1)
    )


def _transport(state: ViewState, seconds: float, lamps: tuple[str, str]) -> RenderableType:
    on, off = lamps
    bar, beat = state.bar(seconds)
    line = Text(no_wrap=True, overflow="ellipsis")
    for i in range(state.beats_per_bar):
        lit = state.rolling and i == int(beat) - 1
        line.append(f"{on if lit else off} ", style=("bold red" if i == 0 else "bold green") if lit else "dim")
    place = f" {bar:4d}.{int(beat):<2d}" if state.rolling else "    -   "
    line.append(place, style="bold")
    line.append(f"  {state.bpm:6.1f} bpm  {state.metre[0]}/{state.metre[1]}")
    line.append("  playing" if state.rolling else "  waiting", style="green" if state.rolling else "yellow")
    if state.status and state.status.sync:
        line.append(f"   {printable(state.status.sync)}", style="cyan")
    return line


def _now_playing(state: ViewState, console: Console) -> RenderableType:
    sign = symbol(state.chord)
    letters = "\n".join(large(sign)) if _draws(console) else f"\n{sign}\n"
    beside = Text.assemble(
        ("melody ", "dim"),
        (" ".join(map(pitch_name, state.held[-1:])) or "-", "bold yellow"),
        "\n",
        ("chord  ", "dim"),
        (sign, "bold green"),
        "\n",
        ("notes  ", "dim"),
        " ".join(map(pitch_name, state.pitches)) or "-",
        no_wrap=True,
        overflow="ellipsis",
    )
    grid = Table.grid(padding=(0, 4))
    grid.add_column(min_width=24)
    grid.add_column()
    grid.add_row(Text(letters, style="bold green", no_wrap=True), beside)
    return grid


def _to_come(state: ViewState, seconds: float, width: int) -> RenderableType:
    line = Text("next  ", style="dim", no_wrap=True, overflow="ellipsis")
    for togo, chord in state.to_come(seconds):
        entry = f"{symbol(chord.name)} in {togo:.1f}"
        if line.cell_len + len(entry) > width:
            break
        line.append(entry, style="bold" if chord.final else "dim italic").append("    ")
    if not state.to_come(seconds):
        line.append("-")
    return line


def _health(state: ViewState) -> RenderableType:
    status = state.status
    if status is None:
        return Text("the policy gets ready", style="yellow")
    share = status.step_seconds / state.frame_seconds
    full = min(METER_CELLS, round(METER_CELLS * share))
    style = "green" if share < 0.5 else "yellow" if share < 1.0 else "bold red"
    return Text.assemble(
        ("step  ", "dim"),
        f"{1000.0 * status.step_seconds:.1f} of {1000.0 * state.frame_seconds:.0f} ms ",
        ("|" + "#" * full + "." * (METER_CELLS - full) + "|", style),
        ("   chords ", "dim"),
        f"{status.chords}",
        ("   late ", "dim"),
        (f"{status.late}", "bold red" if status.late else ""),
        ("   policy ", "dim"),
        ("well", "green") if not status.worker else ("in trouble", "bold red"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _draws(console: Console) -> bool:
    """Whether the terminal knows blocks and lines."""
    return not console.options.ascii_only
