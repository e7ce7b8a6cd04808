"""The device for Max for Live: its container byte by byte, its patcher by Max's reference, its ranges by our table."""

from __future__ import annotations

import itertools
import runpy
import struct
from pathlib import Path
from typing import Any

import pytest
from amxd import FILE, parsed, read_device
from max_objects import Patch

from bridge.controls.parameters import PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"

HEIGHT = 169.0
FLOAT, WHOLE, ENUM = 0, 1, 2


@pytest.fixture(scope="module")
def patch() -> Patch:
    return read_device().patch


def values(patch: Patch) -> dict[str, dict[str, Any]]:
    """What Live is told of each parameter, by the box's id."""
    attributes: dict[str, Any] = {name: box.attributes for name, box in patch.boxes.items()}
    return {
        name: said["saved_attribute_attributes"]["valueof"]
        for name, said in attributes.items()
        if "saved_attribute_attributes" in said
    }


def controls(patch: Patch) -> dict[str, tuple[str, int]]:
    """The bridge's parameters that it sets: each one's box and outlet."""
    prepends = {name: box.text.split(" ")[1] for name, box in patch.boxes.items() if box.text.startswith("prepend ")}
    return {
        prepends[target]: (source, outlet)
        for source, outlet, target, _ in patch.lines
        if prepends.get(target) in PARAMETERS
    }


def test_the_file_is_what_the_script_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(DOCS))
    script = runpy.run_path(str(DOCS / "make_amxd.py"))
    assert FILE.read_bytes() == script["device"](), "run: python docs/make_amxd.py"


def test_the_container_is_as_documented_to_the_last_byte() -> None:
    data, device = FILE.read_bytes(), read_device()
    assert data[:32] == struct.pack("<4sI4s4sII4sI", *(b"ampf", 4, b"mmmm", b"meta", 4, 0, b"ptch", len(data) - 32))
    assert data[32:] == device.text.encode("ascii") + b"\0"
    assert device.text.endswith("}\n")
    assert (device.kind, device.patch.patcher["project"]["amxdtype"]) == ("MIDI effect", 0x6D6D6D6D)


def test_a_container_that_is_not_so_is_refused() -> None:
    data = FILE.read_bytes()
    long = data[:28] + struct.pack("<I", len(data)) + data[32:]
    big = data[:28] + struct.pack(">I", len(data) - 32) + data[32:]
    for wrong in (data[:-1], data + b"\0", long, big, data[12:], data[:24], data[:12] + data[24:]):
        with pytest.raises(ValueError, match="chunk"):
            parsed(wrong)


def test_every_object_and_line_is_one_that_max_knows_and_nothing_outside_the_file_is_needed(patch: Patch) -> None:
    assert patch.faults({}) == []
    assert [inner.ports for inner in patch.inside] == [(2, 4)]
    assert patch.patcher["dependency_cache"] == []
    wrong = Patch(read_device().text.replace('"text": "midiformat"', '"text": "midiformats"'))
    assert "there is no object midiformats" in wrong.faults({})


def test_nothing_lies_about_unjoined(patch: Patch) -> None:
    for layer in (patch, *patch.inside):
        joined = {line[0] for line in layer.lines} | {line[2] for line in layer.lines}
        silent = {"comment", "live.comment"}
        assert not [box.text for name, box in layer.boxes.items() if box.kind not in silent and name not in joined]


def test_the_tracks_notes_go_to_the_bridge_and_the_chords_to_the_track(patch: Patch) -> None:
    def ways(begin: str, end: str) -> bool:
        """Whether a line of lines leads from a box of text `begin` to one of text `end`."""
        reached = {name for name, box in patch.boxes.items() if box.text == begin}
        for _ in patch.boxes:
            reached |= {target for source, _, target, _ in patch.lines if source in reached}
        return any(patch.boxes[name].text == end for name in reached)

    assert ways("midiin", "p gapt")
    assert ways("p gapt", "midiout")
    (inner,) = patch.inside
    texts = [box.text for box in inner.boxes.values()]
    assert {"udpsend 127.0.0.1 9100", "udpreceive 9101", "transport", "prepend host", "metro 50"} <= set(texts)


def test_ranges_and_words_are_those_of_the_table(patch: Patch) -> None:
    told, shown = values(patch), controls(patch)
    assert len(shown) >= 16
    for name, (box, outlet) in shown.items():
        parameter, value = PARAMETERS[name], told[box]
        if parameter.kind == "choice":
            assert (value["parameter_type"], tuple(value["parameter_enum"])) == (ENUM, parameter.choices)
        elif parameter.kind == "switch":
            assert (value["parameter_type"], value["parameter_mmax"]) == (ENUM, 1)
        else:
            kind = WHOLE if parameter.kind == "whole" else FLOAT
            found = (value["parameter_type"], value["parameter_mmin"], value["parameter_mmax"])
            assert found == (kind, parameter.low, parameter.high)
        assert outlet == (1 if parameter.kind == "choice" else 0)
        assert patch.boxes[box].attributes["annotation"] == parameter.help


def test_what_the_bridge_says_is_shown_without_being_said_again(patch: Patch) -> None:
    (route,) = (name for name, box in patch.boxes.items() if box.text.startswith("route connected "))
    addresses = patch.boxes[route].text.split(" ")[1:]
    for name, (control, _) in controls(patch).items():
        outlet = addresses.index(PARAMETERS[name].address)
        ((_, _, shower, _),) = (line for line in patch.lines if line[:2] == (route, outlet))
        word = "setsymbol" if PARAMETERS[name].kind == "choice" else "set"
        assert patch.boxes[shower].text == f"prepend {word}"
        assert (shower, 0, control, 0) in patch.lines


def test_live_is_told_of_each_parameter_once(patch: Patch) -> None:
    told = values(patch)
    names = [value["parameter_longname"] for value in told.values()]
    assert len(set(names)) == len(names)
    listed = {key: said for key, said in patch.patcher["parameters"].items() if key in patch.boxes}
    assert listed == {
        box: [value["parameter_longname"], value["parameter_shortname"], 0] for box, value in told.items()
    }
    (bank,) = patch.patcher["parameters"]["parameterbanks"].values()
    assert len(bank["parameters"]) == 8 and set(bank["parameters"]) <= set(names)


def test_the_controls_lie_in_the_device_and_not_on_each_other(patch: Patch) -> None:
    boxes: dict[str, Any] = {name: box.attributes for name, box in patch.boxes.items()}
    places = {name: said["presentation_rect"] for name, said in boxes.items() if "presentation" in said}
    assert set(values(patch)) <= set(places)
    width = patch.patcher["devicewidth"]
    assert (patch.patcher["openrect"], patch.patcher["openinpresentation"]) == ([0.0, 0.0, width, HEIGHT], 1)
    for x, y, wide, high in places.values():
        assert 0 <= x <= x + wide <= width and 0 <= y <= y + high <= HEIGHT
    assert not [pair for pair in itertools.combinations(places, 2) if overlap(*(places[name] for name in pair))]


def overlap(one: list[float], other: list[float]) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))
