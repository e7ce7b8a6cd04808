"""Write the device for Max for Live: `python docs/make_amxd.py`; a test holds the file to this.

A device is a patcher in a container of chunks: a tag of four letters, the length of what follows as a little-endian
32-bit number, and that many bytes. Ableton's own reader of such files says so (github.com/Ableton/maxdevtools,
maxdiff/amxd_textconv.py): `ampf` holds the kind of device (`mmmm` for a MIDI effect), `meta` a number (0 in a device
that is not frozen), `ptch` the patcher's JSON with a line feed and a zero behind it.
"""

from __future__ import annotations

import struct
from pathlib import Path

from make_maxpat import Abstraction, Patcher, Port

from bridge.controls.parameters import PARAMETERS, Parameter

FILE = Path(__file__).parents[1] / "plugin_host" / "daw" / "live" / "GAPT.amxd"

KIND = b"mmmm"
WIDTH, HEIGHT = 500.0, 169.0
"""Of the device, in pixels: Live's devices all have this height."""

DIALS = {
    "temperature": "Temp",
    "density": "Density",
    "register": "Register",
    "velocity": "Velocity",
    "commit": "Commit",
    "lookahead": "Ahead",
    "offset_ms": "Offset",
    "velocity_follow": "Dynamics",
}
MENUS = ("mode", "voicing", "style", "key", "scale", "chord_set")
SWITCHES = ("bypass", "hold")
"""The bridge's parameters that the device shows; names of dials as there is room for."""

OWN = {
    "Follow": ("Tell the bridge Live's tempo, metre, place and whether it plays.", 1),
    "Melody": ("Let the track's own notes through to the instrument, beside the chords.", 0),
    "Recall": ("When the bridge is found, set it as this device is; otherwise the device shows how it is set.", 0),
}
"""The device's own switches: what they do, and how they are at first."""

FLOAT, WHOLE, ENUM = 0, 1, 2
INT_UNITS, FLOAT_UNITS, TIME_UNITS, NOTE_UNITS, OWN_UNITS = 0, 1, 2, 8, 9
"""Live's types of parameters and styles of their units."""


def container(document: str) -> bytes:
    """The file that holds this patcher."""
    return b"".join(
        tag + struct.pack("<I", len(held)) + held
        for tag, held in ((b"ampf", KIND), (b"meta", bytes(4)), (b"ptch", document.encode("ascii") + b"\0"))
    )


class Device:
    """Draws the device; `patcher` is what it holds. Nothing outside the file is needed."""

    def __init__(self) -> None:
        self.patcher = p = Patcher(1180.0, 760.0)
        self._parameters: dict[str, object] = {}
        self.gapt = p.inside(30, 520, "gapt", Abstraction(arguments=False).patcher)
        self._draw_midi()
        self._draw_echoes()
        self._draw_own()
        for index, name in enumerate(DIALS):
            self._draw_control(name, self._dial(index, PARAMETERS[name]))
        for index, name in enumerate(MENUS):
            self._draw_control(name, self._menu(index, PARAMETERS[name]), chosen=1)
        for index, name in enumerate(SWITCHES):
            self._draw_control(name, self._switch(index + len(OWN), name.capitalize(), PARAMETERS[name].help))
        self._finish()

    def _draw_midi(self) -> None:
        """The track's notes to the bridge and, where `through` lets them, on; chords to the track."""
        p = self.patcher
        came, gone = p.object(30, 70, "midiparse"), p.object(30, 190, "midiformat")
        p.wire(p.object(30, 40, "midiin"), came)
        notes = p.object(30, 110, "t l l")
        p.wire(came, notes)
        p.wire((notes, 1), self.gapt)
        self.through = p.object(30, 150, "gate 1")
        p.wire(notes, (self.through, 1))
        p.wire(self.through, gone)
        for port in range(1, 7):
            p.wire((came, port), (gone, port))
        self.ending, out = p.object(30, 230, "midiflush"), p.object(30, 680, "midiout")
        p.wire(gone, self.ending, out)
        parts, note = p.object(30, 560, "unpack 0 0 0"), p.object(30, 600, "pack 0 0")
        chord = p.object(30, 640, "midiformat")
        p.wire(self.gapt, parts, note, chord, out)
        p.wire((parts, 1), (note, 1))
        p.wire((parts, 2), (chord, 6))

    def _draw_echoes(self) -> None:
        """`echoes` says by an outlet for each control how the bridge is set; `controls` lets be said what they set."""
        p = self.patcher
        shown = (*DIALS, *MENUS, *SWITCHES)
        addresses = " ".join(PARAMETERS[name].address for name in shown)
        self.echoes = p.object(300, 560, f"route connected {addresses}")
        self._outlets = {name: 1 + index for index, name in enumerate(shown)}
        p.wire((self.gapt, 3), self.echoes)
        self.controls = p.object(300, 440, "gate 1")
        p.wire(self.controls, (self.gapt, 1))
        self._label(8, 4, "GAPT Bridge", 90)
        connected, words = p.object(300, 600, "t i i i"), p.object(420, 640, "sel 0 1")
        p.wire(self.echoes, connected)
        p.wire((connected, 2), self.controls)
        p.wire((connected, 1), words)
        heard = self._label(8, 21, "no bridge", 90)
        p.wire((words, 0), p.message(420, 680, "set no bridge"), heard)
        p.wire((words, 1), p.message(540, 680, "set connected"), heard)
        self.recalling, found = p.object(300, 680, "gate 1"), p.object(300, 640, "sel 0 1")
        p.wire((connected, 0), found)
        p.wire((found, 1), (self.recalling, 1))
        self.recall = p.message(300, 720, "outputvalue")
        p.wire(self.recalling, self.recall)
        chord = self._label(8, 38, "", 90)
        p.wire((self.gapt, 1), p.object(160, 560, "zl slice 1"), p.object(160, 600, "prepend set"), chord)

    def _draw_own(self) -> None:
        """What is the device's own and none of the bridge's parameters."""
        p = self.patcher
        own = {
            name: self._switch(index, name, text, initial) for index, (name, (text, initial)) in enumerate(OWN.items())
        }
        p.wire(own["Follow"], p.object(160, 440, "prepend follow"), (self.gapt, 1))
        through = p.object(160, 70, "t i i")
        p.wire(own["Melody"], through)
        p.wire((through, 1), self.through)
        p.wire(through, p.object(160, 110, "sel 0 1"), p.object(160, 150, "t b"), self.ending)
        p.wire(own["Recall"], self.recalling)
        button = self._widget("live.text", (8, 146, 90, 17), "Panic", PARAMETERS["panic"].help, mode=0, text="Panic")
        self._enum(button, "Panic", ("off", "on"))
        both = p.object(160, 360, "t b b")
        p.wire(button, both)
        for outlet, word in ((1, "flush"), (0, "panic")):
            p.wire((both, outlet), p.message(160 + 60 * outlet, 400, word), (self.gapt, 1))

    def _draw_control(self, name: str, widget: str, chosen: int = 0) -> None:
        """Join a control: what it outputs by `chosen` is said, and what the bridge says is shown."""
        p, y = self.patcher, 40.0 + 26.0 * self._outlets[name]
        source: Port = (widget, chosen)
        p.wire(source, p.object(760, y, f"prepend {name}"), (self.controls, 1))
        p.wire((self.echoes, self._outlets[name]), p.object(940, y, f"prepend set{'symbol' * chosen}"), widget)
        p.wire(self.recall, widget)

    def _dial(self, index: int, parameter: Parameter) -> str:
        x, y = 108 + 52 * (index % 4), 8 + 78 * (index // 4)
        widget = self._widget("live.dial", (x, y, 48, 48), _long(parameter.name), parameter.help)
        whole = parameter.kind == "whole"
        units = {"ms": TIME_UNITS, "MIDI pitch": NOTE_UNITS, "": INT_UNITS if whole else FLOAT_UNITS}
        self._value(
            widget,
            parameter_longname=_long(parameter.name),
            parameter_shortname=DIALS[parameter.name],
            parameter_type=WHOLE if whole else FLOAT,
            parameter_mmin=float(parameter.low),
            parameter_mmax=float(parameter.high),
            parameter_unitstyle=units.get(parameter.unit, OWN_UNITS),
            parameter_units=parameter.unit,
        )
        return widget

    def _menu(self, index: int, parameter: Parameter) -> str:
        y = 8 + 26 * index
        self._label(320, y, _long(parameter.name), 74)
        widget = self._widget("live.menu", (396, y, 98, 15), _long(parameter.name), parameter.help)
        self._enum(widget, _long(parameter.name), parameter.choices)
        return widget

    def _switch(self, index: int, name: str, text: str, initial: int | None = None) -> str:
        y = 58 + 17 * index
        self._label(26, y - 2, name, 72)
        widget = self._widget("live.toggle", (8, y, 15, 15), name, text)
        self._enum(widget, name, ("off", "on"), initial)
        return widget

    def _widget(self, kind: str, place: tuple[float, ...], name: str, words: str, **more: object) -> str:
        """A control of Live's in the device at `place` (x, y, width, height), with what Live says of it."""
        count = len(self._parameters)
        return self.patcher.box(
            *(620.0, 40.0 + 34.0 * count, kind),
            **more,
            annotation=words,
            annotation_name=name,
            parameter_enable=1,
            presentation=1,
            presentation_rect=[float(length) for length in place],
            varname=name,
        )

    def _enum(self, widget: str, name: str, words: tuple[str, ...], initial: int | None = None) -> None:
        first = {} if initial is None else {"parameter_initial": [initial], "parameter_initial_enable": 1}
        self._value(
            widget,
            parameter_longname=name,
            parameter_shortname=name,
            parameter_type=ENUM,
            parameter_mmax=len(words) - 1,
            parameter_enum=[*words],
            **first,
        )

    def _value(self, widget: str, **attributes: object) -> None:
        self.patcher.attributes(widget)["saved_attribute_attributes"] = {"valueof": attributes}
        names = attributes["parameter_longname"], attributes["parameter_shortname"]
        self._parameters[widget] = [*names, 0]

    def _label(self, x: float, y: float, text: str, width: float) -> str:
        place = [float(x), float(y), float(width), 17.0]
        return self.patcher.box(980.0, 20.0 + y, "live.comment", text=text, presentation=1, presentation_rect=place)

    def _finish(self) -> None:
        """What a patcher has besides where it is a device of Live's."""
        names = [_long(name) for name in DIALS]
        bank = {"index": 0, "name": "GAPT", "parameters": names}
        self.patcher.more |= {
            "openrect": [0.0, 0.0, WIDTH, HEIGHT],
            "openinpresentation": 1,
            "default_fontsize": 10.0,
            "default_fontname": "Arial Bold",
            "devicewidth": WIDTH,
            "description": "Chords to what this track plays, by GAPT Bridge.",
            "parameters": {**self._parameters, "parameterbanks": {"0": bank}, "inherited_shortname": 1},
            "latency": 0,
            "project": {
                "version": 1,
                "viewrect": [0.0, 0.0, 300.0, 500.0],
                "autoorganize": 1,
                "hideprojectwindow": 1,
                "showdependencies": 1,
                "autolocalize": 0,
                "contents": {"patchers": {}},
                "layout": {},
                "searchpath": {},
                "detailsvisible": 0,
                "amxdtype": int.from_bytes(KIND, "little"),
                "readonly": 0,
                "devpathtype": 0,
                "devpath": ".",
                "sortmode": 0,
                "viewmode": 0,
                "includepackages": 0,
            },
        }


def _long(name: str) -> str:
    return name.replace("_", " ").capitalize()


def device() -> bytes:
    """The file GAPT.amxd."""
    return container(Device().patcher.text)


if __name__ == "__main__":
    FILE.write_bytes(device())
