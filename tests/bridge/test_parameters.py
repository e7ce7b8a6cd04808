"""The table of parameters, the settings it makes, and the chords a key allows."""

from __future__ import annotations

import dataclasses
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.controls.parameters import PARAMETERS, Parameter, Value
from bridge.controls.scales import CHORD_SETS, KEYS, SCALES, allowed_chords
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from gapt_core.chords import CHORD_COUNT, PITCH_CLASSES, QUALITIES, chord_at

VALUED = [parameter for parameter in PARAMETERS.values() if parameter.kind != "trigger"]
RANGED = [parameter for parameter in PARAMETERS.values() if parameter.kind != "text"]
BY_PRESET = {"mode", "temperature", "density"}


def share_of(parameter: Parameter, value: Value) -> float:
    """Where `value` lies in the range, 0 to 1."""
    if isinstance(value, str):
        return parameter.choices.index(value) / max(1, len(parameter.choices) - 1)
    return (float(value) - parameter.low) / (parameter.high - parameter.low)


def test_settings_have_a_value_for_every_parameter_and_the_tables_defaults() -> None:
    assert [field.name for field in dataclasses.fields(Settings)] == [parameter.name for parameter in VALUED]
    settings = Settings()
    assert {p.name for p in VALUED if p.default is None} == BY_PRESET
    assert not [p.name for p in VALUED if p.name not in BY_PRESET and settings.value(p.name) != p.default]


@pytest.mark.parametrize("parameter", VALUED, ids=lambda p: p.name)
def test_a_default_is_a_value_and_passes_unchanged(parameter: Parameter) -> None:
    value = Settings().value(parameter.name)
    checked = parameter.checked(value)
    assert checked == value and type(checked) is type(value)


@pytest.mark.parametrize("parameter", VALUED, ids=lambda p: p.name)
@given(value=st.floats() | st.integers() | st.text(max_size=8) | st.booleans() | st.none() | st.binary(max_size=3))
def test_whatever_comes_is_a_value_or_refused_with_the_way_out(parameter: Parameter, value: object) -> None:
    try:
        checked = parameter.checked(value)
    except BridgeError:
        with pytest.raises(BridgeError, match=re.escape(f"it is {parameter.range}.")):
            parameter.checked(value)
        return
    assert parameter.checked(checked) == checked
    if isinstance(checked, (int, float)) and not isinstance(checked, bool):
        assert math.isfinite(checked) and parameter.low <= checked <= parameter.high
    elif parameter.choices:
        assert checked in parameter.choices


@pytest.mark.parametrize("parameter", RANGED, ids=lambda p: p.name)
@given(share=st.floats(0.0, 1.0))
def test_a_controller_reaches_the_whole_range_in_order(parameter: Parameter, share: float) -> None:
    value = parameter.from_share(share)
    assert parameter.checked(value) == value
    ends = [share_of(parameter, parameter.from_share(end)) for end in (0.0, share, 1.0)]
    assert ends == sorted(ends) and (ends[0], ends[2]) == (0.0, 1.0)


@pytest.mark.parametrize("parameter", [p for p in RANGED if p.kind == "choice"], ids=lambda p: p.name)
def test_a_choice_is_named_in_any_case_or_numbered(parameter: Parameter) -> None:
    for number, choice in enumerate(parameter.choices):
        assert parameter.checked(choice.upper()) == parameter.checked(float(number)) == choice


def test_a_text_has_no_range() -> None:
    with pytest.raises(BridgeError):
        PARAMETERS["preset"].from_share(0.5)


@pytest.mark.parametrize(
    ("text", "channels"),
    [("any", range(16)), ("1", [0]), ("2-4", [1, 2, 3]), ("1,3-5,16", [0, 2, 3, 4, 15])],
)
def test_channels_in_words(text: str, channels: object) -> None:
    assert Settings().changed("in_channels", text).heard_channels == frozenset(channels)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ["0", "17", "3-1", "", "1;2", "1-", "all"])
def test_channels_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BridgeError):
        Settings().changed("in_channels", text)


def test_beats_become_frames_and_the_metre_a_bar() -> None:
    settings = Settings().changed("commit", 0.0).changed("lookahead", 1.5).changed("metre", "7/8")
    assert (settings.commit_frames, settings.plan_frames, settings.bar) == (1, 6, (7, 8))


def test_without_limits_all_chords_may_be_drawn() -> None:
    assert Settings().sampling.allowed is None
    assert len(allowed_chords()) == CHORD_COUNT


def test_the_chords_of_c_major_are_its_own() -> None:
    names = {chord_at(index).name for index in allowed_chords("C", "major", "plain")}
    assert names == {"C:maj", "D:min", "E:min", "F:maj", "G:maj", "A:min"}


@given(st.sampled_from(KEYS[1:]), st.sampled_from(sorted(SCALES)), st.sampled_from(["all", *sorted(CHORD_SETS)]))
def test_every_key_scale_and_set_has_chords_within_it(key: str, scale: str, chord_set: str) -> None:
    inside = {(PITCH_CLASSES.index(key) + step) % 12 for step in SCALES[scale]}
    chords = [chord_at(index) for index in allowed_chords(key, scale, chord_set)]
    assert chords
    assert all(inside.issuperset(chord.pitch_classes) for chord in chords)
    assert chord_set == "all" or {chord.quality for chord in chords} <= CHORD_SETS[chord_set]


def test_chord_sets_name_qualities_there_are() -> None:
    assert not frozenset().union(*CHORD_SETS.values()) - set(QUALITIES)
