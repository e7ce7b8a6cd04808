"""Controllers and programs become settings; what is learnt is in the file when the session has ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.controls.mapping import ControlMap, missing_presets
from bridge.controls.parameters import PARAMETERS, Value
from bridge.controls.user_file import FORBIDDEN, Controller, UserFile
from bridge.events import ControlChange, InEvent, NoteOn, ProgramChange, Set

KEYS, PADS = "Keys", "Pads"


@pytest.fixture
def file(tmp_path: Path) -> UserFile:
    file = UserFile(tmp_path / "settings.toml")
    file.controls = {KEYS: {Controller(21): "temperature", Controller(21, 3): "density", Controller(22): "panic"}}
    file.programs = {KEYS: {5: "folk"}}
    return file


@pytest.fixture
def mapping(file: UserFile) -> ControlMap:
    return ControlMap(file, ["bright", "default"])


def moved(mapping: ControlMap, control: int, value: int, device: str = KEYS, channel: int = 0) -> list[InEvent]:
    return mapping.handle(ControlChange(1.0, device, channel, control, value))


def set_by(
    mapping: ControlMap, control: int, value: int, device: str = KEYS, channel: int = 0
) -> list[tuple[str, Value]]:
    return [(e.name, e.value) for e in moved(mapping, control, value, device, channel) if isinstance(e, Set)]


def test_a_controller_moves_its_parameter_over_the_whole_range(mapping: ControlMap) -> None:
    assert set_by(mapping, 21, 0) == [("temperature", 0.0)]
    assert set_by(mapping, 21, 127) == [("temperature", 4.0)]
    assert set_by(mapping, 21, 127, channel=3) == [("density", 10.0)], "a line for one channel comes first"


def test_what_is_not_mapped_goes_on(mapping: ControlMap) -> None:
    for event in (ControlChange(1.0, KEYS, 0, 23, 5), ControlChange(1.0, PADS, 0, 21, 5), NoteOn(1.0, 60, 5)):
        assert mapping.handle(event) == [event]
    assert mapping.advance(2.0) == []
    assert mapping.wake_seconds() is None


def test_a_button_acts_on_the_press_alone(mapping: ControlMap) -> None:
    assert set_by(mapping, 22, 127) == [("panic", True)]
    assert moved(mapping, 22, 0) == []
    assert set_by(mapping, 22, 127) == [("panic", True)]


def test_the_same_value_is_set_once_until_somebody_else_sets_it(mapping: ControlMap) -> None:
    assert set_by(mapping, 21, 64)
    assert moved(mapping, 21, 64) == []
    elsewhere = Set(1.0, "temperature", 0.1)
    assert mapping.handle(elsewhere) == [elsewhere]
    assert set_by(mapping, 21, 64)


def test_programs_choose_by_the_devices_table_or_else_by_number(mapping: ControlMap) -> None:
    def chosen(program: int, device: str = KEYS) -> list[InEvent]:
        return mapping.handle(ProgramChange(1.0, device, 0, program))

    assert chosen(5) == [Set(1.0, "preset", "folk")]
    assert chosen(1) == [Set(1.0, "preset", "default")]
    assert chosen(5, PADS) == []


def test_the_next_controller_moved_learns_and_the_file_says_so(mapping: ControlMap, file: UserFile) -> None:
    assert mapping.handle(Set(1.0, "learn", "seed")) == []
    assert set_by(mapping, 40, 0, PADS) == [("seed", 0)]
    assert set_by(mapping, 40, 127, PADS) == [("seed", (1 << 31) - 1)]
    assert mapping.learning is None
    mapping.close()
    assert UserFile.load(file.path).controls == {PADS: {Controller(40): "seed"}}


def test_learning_moves_a_parameter_from_one_knob_of_a_device_to_another(mapping: ControlMap, file: UserFile) -> None:
    for device, control in ((PADS, 40), (KEYS, 41), (PADS, 42)):
        mapping.handle(Set(1.0, "learn", "seed"))
        moved(mapping, control, 1, device)
    assert set_by(mapping, 40, 9, PADS) == []
    mapping.close()
    assert UserFile.load(file.path).controls == {PADS: {Controller(42): "seed"}, KEYS: {Controller(41): "seed"}}


@pytest.mark.parametrize("control", sorted(FORBIDDEN))
def test_controllers_with_a_meaning_of_their_own_are_never_learnt(mapping: ControlMap, control: int) -> None:
    mapping.handle(Set(1.0, "learn", "seed"))
    event = ControlChange(1.0, PADS, 0, control, 5)
    assert mapping.handle(event) == [event]
    assert mapping.learning == "seed"


@pytest.mark.parametrize("value", ["metre", "nonsense", 5])
def test_what_no_controller_can_move_is_not_learnt(mapping: ControlMap, value: Value) -> None:
    assert mapping.handle(Set(1.0, "learn", value)) == []
    assert mapping.learning is None


def test_learning_can_be_given_up(mapping: ControlMap) -> None:
    mapping.handle(Set(1.0, "learn", "seed"))
    mapping.handle(Set(1.0, "learn", 0))
    assert moved(mapping, 40, 5, PADS) == [ControlChange(1.0, PADS, 0, 40, 5)]


def test_what_is_learnt_is_told(file: UserFile) -> None:
    told: list[str] = []
    mapping = ControlMap(file, [], told.append)
    mapping.handle(Set(1.0, "learn", "seed"))
    assert told == ["The next controller you move will move seed."]
    moved(mapping, 40, 1, PADS)
    moved(mapping, 40, 2, PADS)
    assert told[1:] == ["cc 40 of “Pads” now moves seed."]
    for order, value in (("unlearn", "seed"), ("learn", "metre"), ("learn", 0)):
        mapping.handle(Set(1.0, order, value))
    assert told[2:] == [
        "No controller moves seed any more.",
        "Nothing is learnt: “metre” is a text, which no controller can move.",
        "No controller is learnt any more.",
    ]
    mapping.close()


def test_unlearning_forgets_on_every_device(mapping: ControlMap, file: UserFile) -> None:
    for device in (KEYS, PADS):
        mapping.handle(Set(1.0, "learn", "seed"))
        moved(mapping, 40, 1, device)
    assert mapping.handle(Set(1.0, "unlearn", "seed")) == []
    assert moved(mapping, 40, 5, KEYS) == [ControlChange(1.0, KEYS, 0, 40, 5)]
    mapping.close()
    assert not any(UserFile.load(file.path).controls.values())


@pytest.mark.parametrize("name", [name for name, parameter in PARAMETERS.items() if parameter.kind != "text"])
def test_every_parameter_but_texts_can_be_learnt(mapping: ControlMap, name: str) -> None:
    mapping.handle(Set(1.0, "learn", name))
    assert [changed for changed, _ in set_by(mapping, 40, 127, PADS)] == [name]
    mapping.close()


def test_presets_are_those_of_the_store_unless_given(file: UserFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPT_PRESETS", str(file.path.parent))
    assert ControlMap(file).handle(ProgramChange(1.0, PADS, 0, 0))
    assert ControlMap(file, []).handle(ProgramChange(1.0, PADS, 0, 0)) == []


def test_a_program_for_a_preset_that_is_not_there_is_said(file: UserFile) -> None:
    file.programs = {PADS: {0: "default", 3: "nosuch"}}
    (sentence,) = missing_presets(file)
    assert sentence == (
        f"Program 3 of “{PADS}” in {file.path} will change nothing: "
        "There is no preset “nosuch”; `gapt presets list` shows those there are."
    )
