"""Draw the picture of each page in `hosts/`: `python docs/make_hosts.py`; a test holds the files to this.

A picture is the host on the left, the bridge on the right, and what goes between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "hosts"

WIDTH, TOP, ROW, HEAD = 820, 16, 62, 46
LEFT, RIGHT = (16, 270), (534, 270)
"""Where each box begins, and how wide it is."""

INSIDE = 14
"""From a box to what stands in it."""

MELODY, CHORDS, TIME, CONTROL = "#1f6fb2", "#b3541e", "#5a6472", "#6b4fa0"
INK, PALE, CARD, BOX = "#1c2530", "#5a6472", "#ffffff", "#f2f5f8"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
MONOSPACED = "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

WIDEST = {FONT: 0.68, MONOSPACED: 0.61}
"""A letter's width by its height, in the widest of the fonts."""


@dataclass(frozen=True, slots=True)
class Lane:
    """One thing that goes between the two: `here` in the host, `there` in the bridge, `what` and `way` in between."""

    here: str
    to: Literal["bridge", "host", "both"]
    what: str
    way: str
    there: str
    colour: str


def heard(here: str, way: str) -> Lane:
    """The melody."""
    return Lane(here, "bridge", "melody", way, "hears", MELODY)


def answered(here: str, way: str) -> Lane:
    """The chords."""
    return Lane(here, "host", "chords", way, "answers", CHORDS)


def followed(here: str, way: str, what: str = "tempo, place, play") -> Lane:
    """The host's time."""
    return Lane(here, "bridge", what, way, "follows", TIME)


def set_up(here: str, way: str) -> Lane:
    """Controls, which show what others have set, too."""
    return Lane(here, "both", "settings", way, "is set, and echoes", CONTROL)


def shown(here: str, way: str) -> Lane:
    """What is to be read from afar."""
    return Lane(here, "host", "chord, tempo", way, "tells", CHORDS)


TO, FROM = "MIDI: GAPT Bridge in", "MIDI: GAPT Bridge out"
PICTURES: dict[str, tuple[str, str, tuple[Lane, ...]]] = {
    "keyboard": (
        "What you have",
        "gapt jam --in KEYS --out SYNTH",
        (heard("keyboard", "MIDI"), answered("synth, or sampler", "MIDI")),
    ),
    "live": (
        "Live, one MIDI track",
        "gapt jam --no-midi --osc-reply 9101",
        (
            heard("your notes  →  GAPT", "OSC, port 9100"),
            answered("GAPT  →  instrument", "OSC, port 9101"),
            followed("Live's transport", "OSC, port 9100", "tempo, metre, place, play"),
            set_up("dials of the device", "OSC"),
        ),
    ),
    "max": (
        "Max, any patch",
        "gapt jam --no-midi --osc-reply 9101",
        (
            heard("[notein]  →  [gapt]", "OSC, port 9100"),
            answered("[gapt]  →  [noteout]", "OSC, port 9101"),
            followed("follow 1: Max's transport", "OSC, port 9100"),
            set_up("temperature 0.8, …", "OSC"),
        ),
    ),
    "pd": (
        "Pd, any patch",
        "gapt jam --no-midi",
        (
            heard("[notein]  →  [gapt]", "OSC, port 9100"),
            answered("[gapt]  →  [noteout]", "OSC, the same way back"),
            set_up("temperature 0.8, …", "OSC"),
        ),
    ),
    "reaper": (
        "REAPER",
        "gapt jam --sync reaper",
        (
            heard("the track you play", TO),
            answered("track “GAPT chords”", FROM),
            followed("pattern config GAPT", "OSC, port 9000"),
        ),
    ),
    "bitwig": (
        "Bitwig Studio",
        "gapt jam --sync osc",
        (
            heard("melody's track: HW Instrument", TO),
            answered("track that hears GAPT chords", FROM),
            followed("controller GAPT Bridge", "OSC, port 9100", "tempo, metre, place, play"),
        ),
    ),
    "ardour": (
        "Ardour",
        "gapt jam --sync osc",
        (
            heard("the melody's track", TO),
            answered("track “GAPT chords”", FROM),
            followed("script “GAPT transport”", "OSC, port 9100", "tempo, metre, place, play"),
        ),
    ),
    "touchosc": (
        "TouchOSC, on a tablet",
        "gapt jam --osc-listen 0.0.0.0",
        (
            set_up("faders, switches, buttons", "OSC, ports 9100 and 9101"),
            shown("chord in large letters", "OSC, port 9101"),
        ),
    ),
    "open-stage-control": (
        "Open Stage Control",
        "gapt jam",
        (
            set_up("every control", "OSC, ports 9100 and 9101"),
            shown("chord in large letters", "OSC, port 9101"),
        ),
    ),
}
"""By page: the host's title, the command of its first step, and what goes between."""


def picture(name: str) -> str:
    """The picture of the page `name`, as SVG."""
    title, command, lanes = PICTURES[name]
    height = 2 * TOP + HEAD + ROW * len(lanes)
    label = f"{title} and the bridge: " + "; ".join(f"{lane.what} by {lane.way}" for lane in lanes)
    head = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" font-family="{FONT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} aria-label="{escape(label)}">',
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="{CARD}"/>',
        *_box(LEFT, height, title, FONT),
        *_box(RIGHT, height, command, MONOSPACED),
    ]
    for i, lane in enumerate(lanes):
        lines += _lane(lane, TOP + HEAD + ROW * (i + 0.5))
    return "\n".join([*lines, "</svg>", ""])


def _box(place: tuple[int, int], height: int, title: str, font: str) -> Iterator[str]:
    x, width = place
    yield f'<rect x="{x}" y="{TOP}" width="{width}" height="{height - 2 * TOP}" rx="8" fill="{BOX}" stroke="#c5ced8"/>'
    size = min(16.0, (width - 2 * INSIDE) / (WIDEST[font] * len(title)))
    text = _text(x + width / 2, TOP + 29, title, size, INK, "bold")
    yield text.replace("<text ", f'<text font-family="{font}" ', 1)


def _lane(lane: Lane, y: float) -> Iterator[str]:
    for (x, width), text in ((LEFT, lane.here), (RIGHT, lane.there)):
        place = f'x="{x + INSIDE}" y="{y - 19:g}" width="{width - 2 * INSIDE}" height="38" rx="6"'
        yield f'<rect {place} fill="{CARD}" stroke="{lane.colour}"/>'
        yield _text(x + width / 2, y + 5, text, 14.5, INK)
    begin, end = LEFT[0] + LEFT[1] - INSIDE, RIGHT[0] + INSIDE
    yield f'<path d="M{begin + 2} {y:g}H{end - 2}" stroke="{lane.colour}" stroke-width="2.5"/>'
    if lane.to != "host":
        yield _head(end - 1, y, -1, lane.colour)
    if lane.to != "bridge":
        yield _head(begin + 1, y, 1, lane.colour)
    middle = (begin + end) / 2
    yield _text(middle, y - 9, lane.what, 14.5, lane.colour, "bold")
    yield _text(middle, y + 20, lane.way, 12.5, PALE)


def _head(tip: float, y: float, back: int, colour: str) -> str:
    """An arrow's head with its tip at `tip`, open towards `back` (-1 is left)."""
    return f'<path d="M{tip} {y:g}l{12 * back} -6v12z" fill="{colour}"/>'


def _text(x: float, y: float, text: str, size: float, colour: str, weight: str = "normal") -> str:
    place = f'x="{x:g}" y="{y:g}" font-size="{size:.3g}" font-weight="{weight}" text-anchor="middle"'
    return f'<text {place} fill="{colour}">{escape(text)}</text>'


if __name__ == "__main__":
    for name in PICTURES:
        (FOLDER / f"{name}.svg").write_text(picture(name), encoding="utf-8")
