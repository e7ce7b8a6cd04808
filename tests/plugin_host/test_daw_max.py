"""The patches for Max, held to what Max's reference says: it cannot be run where tests run."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from amxd import read_device
from max_objects import OBJECTS, Patch, read

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.namespace import NAMESPACE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "plugin_host" / "daw" / "max"
NAMES = ("gapt.maxpat", "gapt.maxhelp")


@pytest.mark.parametrize("name", NAMES)
def test_the_files_are_what_the_script_writes(name: str) -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_maxpat.py"))
    assert (FOLDER / name).read_text("utf-8") == script["patches"]()[name], "run: python docs/make_maxpat.py"


@pytest.mark.parametrize("name", NAMES)
def test_every_object_and_line_is_one_that_max_knows(name: str) -> None:
    assert read(FOLDER / name).faults({"gapt": read(FOLDER / "gapt.maxpat").ports}) == []


def test_what_is_wrong_is_found() -> None:
    text = (FOLDER / "gapt.maxpat").read_text("utf-8")
    for right, wrong, found in [
        ('"text": "metro 1000"', '"text": "metronome 1000"', "there is no object metronome"),
        ('"text": "delay 2500"', '"text": "delay soon"', "delay does not take ['soon']"),
        ('"text": "dump"', '"text": "dumping"', "coll understands no dumping"),
        ('"text": "gate 2"', '"text": "gate 3"', "gate 3 has (2, 3), not (2, 2)"),
    ]:
        assert right in text
        assert found in Patch(text.replace(right, wrong)).faults({})
    document = json.loads(text)
    document["patcher"]["lines"][0]["patchline"]["destination"] = ["obj-9999", 0]
    assert len(Patch(json.dumps(document)).faults({})) == 1


def test_nothing_lies_about_unjoined() -> None:
    for patch in map(read, map(FOLDER.joinpath, NAMES)):
        joined = {line[0] for line in patch.lines} | {line[2] for line in patch.lines}
        assert not [box.text for name, box in patch.boxes.items() if box.kind != "comment" and name not in joined]


def test_the_patches_speak_the_namespace() -> None:
    addresses = {line.address for line in NAMESPACE} | {parameter.address for parameter in PARAMETERS.values()}
    words = [word for name in NAMES for box in read(FOLDER / name).boxes.values() for word in box.text.split(" ")]
    assert {word for word in words if word.startswith("/gapt/") and "%" not in word} <= addresses
    assert {"/gapt/play", "/gapt/silence", "/gapt/chord", "/gapt/plan"} <= set(words)


def test_what_the_help_patch_sets_can_be_set() -> None:
    patch = read(FOLDER / "gapt.maxhelp")
    for source, _, target, _ in patch.lines:
        box = patch.boxes[source]
        if box.kind != "message" or not box.text or patch.boxes[target].text != "t l":
            continue
        name, *value = box.text.split(" ")
        assert name in PARAMETERS
        if value:
            PARAMETERS[name].checked(value[0])


def test_attributes_of_the_box_are_set_when_the_bridge_is_found() -> None:
    patch = read(FOLDER / "gapt.maxpat")
    (arguments,) = (name for name, box in patch.boxes.items() if box.text.startswith("patcherargs "))
    ((_, _, attributes, _),) = (line for line in patch.lines if line[:2] == (arguments, 1))
    assert patch.boxes[attributes].text == "route done"
    ((_, _, said, _),) = (line for line in patch.lines if line[:2] == (attributes, 1))
    ((found, _, _, _),) = (line for line in patch.lines if line[2] == arguments)
    dump = next(
        name
        for name, box in patch.boxes.items()
        if (box.kind, box.text) == ("message", "dump")
        and any(line[0] == found and line[2] == name for line in patch.lines)
    )
    assert (dump, 0, said, 0) in patch.lines


def test_the_table_names_only_what_is_used() -> None:
    used = {box.text.split(" ")[0] for name in NAMES for box in read(FOLDER / name).boxes.values()}
    used |= {box.text.split(" ")[0] for box in read_device().patch.boxes.values()}
    assert not OBJECTS.keys() - used
