"""The settings file: what people write, what is wrong with it in words, and lines added without harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.controls.user_file import FORBIDDEN, Controller, UserFile, default_path
from bridge.errors import BridgeError

ROOT = Path(__file__).parents[2]
CONTROLLERS = st.builds(
    Controller,
    st.integers(0, 127).filter(lambda control: control not in FORBIDDEN),
    st.none() | st.integers(0, 15),
)
MAPPABLE = [name for name, parameter in PARAMETERS.items() if parameter.kind != "text"]


def written(folder: Path, text: str) -> UserFile:
    path = folder / "settings.toml"
    path.write_text(text, "utf-8")
    return UserFile.load(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [jam]
        temperature = 1          # a whole number does for one with a point
        voicing = "PAD"
        thru = true
        in_channels = "1,3-5"
        [midi."Launchkey Mini".controls]
        "cc 21" = "temperature"
        "ch 2 CC21" = "density"
        [midi."Launchkey Mini".programs]
        0 = "default"
        """,
    )
    assert file.jam == {"temperature": 1.0, "voicing": "pad", "thru": True, "in_channels": "1,3-5"}
    assert file.controls == {"Launchkey Mini": {Controller(21): "temperature", Controller(21, 1): "density"}}
    assert file.programs == {"Launchkey Mini": {0: "default"}}


def test_no_file_says_nothing(tmp_path: Path) -> None:
    file = UserFile.load(tmp_path / "none.toml")
    assert (file.jam, file.controls, file.programs) == ({}, {}, {})
    assert not file.path.exists()


def test_the_file_is_the_environments_or_in_the_users_folder(tmp_path: Path) -> None:
    assert default_path({"GAPT_SETTINGS": str(tmp_path / "x.toml")}) == tmp_path / "x.toml"
    assert default_path({}).name == "settings.toml"
    assert "gapt-bridge" in default_path({}).parts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[jam]\ntemperature = 9",
            r"in \[jam\] temperature cannot be 9: it is 0 to 4; correct the line or delete it\.$",
        ),
        ("[jam]\ntempature = 1", "no parameter “tempature”"),
        ("[jam]\npanic = true", "no parameter “panic” to set"),
        ("[gem]", "the file has an unknown part “gem”; there are jam and midi"),
        ("jam = 3", "“jam” in the file is no table"),
        ('[midi."x"]\nnotes = 1', r'\[midi\."x"\] has an unknown part “notes”; there are controls and programs'),
        ('[midi."x".controls]\n"knob 1" = "density"', "“knob 1” is no controller"),
        ('[midi."x".controls]\n"cc 64" = "density"', "“cc 64” cannot be mapped"),
        ('[midi."x".controls]\n"ch 17 cc 1" = "density"', "“ch 17 cc 1” cannot be mapped"),
        ('[midi."x".controls]\n"ch 0 cc 1" = "density"', "“ch 0 cc 1” cannot be mapped"),
        ('[midi."x".controls]\n"cc 1" = "metre"', "“metre” is a text"),
        ('[midi."x".controls]\n"cc 1" = 3', "no parameter “3”"),
        ('[midi."x".programs]\n128 = "default"', "“128” should be a program, 0 to 127"),
        ('[midi."x".programs]\n1 = ""', "name of a preset"),
        ("[jam\n", "cannot be read .*put it right, or move it away"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_and_way_out(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BridgeError, match=sentence) as caught:
        written(tmp_path, text)
    assert "settings.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_text_that_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe[jam]")
    with pytest.raises(BridgeError, match="cannot be read"):
        UserFile.load(tmp_path / "settings.toml")


def test_a_line_is_added_and_all_that_was_written_stays(tmp_path: Path) -> None:
    text = '# mine\n[jam]\ntemperature = 0.8 # bold\n\n[midi."Keys".controls]\n"CC 21" = "density" # left knob\n'
    file = written(tmp_path, text)
    file.save_control("Keys", Controller(22), "temperature")
    assert file.path.read_text("utf-8") == text + '"cc 22" = "temperature"\n'
    file.save_control("Keys", Controller(22), None)
    assert file.path.read_text("utf-8") == text
    file.save_control("Keys", Controller(21), "seed")
    assert UserFile.load(file.path).controls == {"Keys": {Controller(21): "seed"}}
    file.save_control('Pads "2"', Controller(1, 9), "hold")
    assert UserFile.load(file.path).controls['Pads "2"'] == {Controller(1, 9): "hold"}
    assert UserFile.load(file.path).jam == {"temperature": 0.8}


def test_a_folder_is_made_for_the_first_line(tmp_path: Path) -> None:
    file = UserFile.load(tmp_path / "new" / "settings.toml")
    file.save_control("Keys", Controller(1), "density")
    assert file.path.read_text("utf-8") == '[midi.Keys.controls]\n"cc 1" = "density"\n'


@pytest.mark.parametrize("before", ['midi = {"Keys" = {}}\n', 'midi."Keys".controls."cc 5" = "seed"\n', "[midi]\n"])
def test_lines_are_added_however_the_file_is_written(tmp_path: Path, before: str) -> None:
    file = written(tmp_path, before)
    file.save_control("Keys", Controller(1), "density")
    assert UserFile.load(file.path).controls["Keys"][Controller(1)] == "density"


def test_a_file_spoilt_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    file = written(tmp_path, "[jam]\n")
    file.path.write_text("[jam\n", "utf-8")
    with pytest.raises(BridgeError, match="put it right"):
        file.save_control("Keys", Controller(1), "density")
    assert file.path.read_text("utf-8") == "[jam\n"


@given(CONTROLLERS)
def test_a_controller_is_written_as_it_is_read(controller: Controller) -> None:
    assert Controller.parse(str(controller)) == controller


@given(
    changes=st.lists(
        st.tuples(st.text("aÖ\"'\\ .#[]\t\n", max_size=6), CONTROLLERS, st.none() | st.sampled_from(MAPPABLE)),
        max_size=12,
    )
)
def test_whatever_is_saved_is_read(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, Controller, str | None]]
) -> None:
    file = UserFile.load(tmp_path_factory.mktemp("home") / "settings.toml")
    expected: dict[str, dict[Controller, str]] = {}
    for device, controller, parameter in changes:
        file.save_control(device, controller, parameter)
        expected.setdefault(device, {}).pop(controller, None)
        if parameter is not None:
            expected[device][controller] = parameter
    read = UserFile.load(file.path).controls
    assert {device: lines for device, lines in read.items() if lines} == {
        d: lines for d, lines in expected.items() if lines
    }


def test_the_example_of_the_docs_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    file = written(tmp_path, text.split("```toml\n")[1].split("```")[0])
    assert file.jam and all(file.controls.values()) and all(file.programs.values())
    settings = Settings()
    for name, value in file.jam.items():
        settings = settings.changed(name, value)
