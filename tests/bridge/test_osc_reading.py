"""What each address asks for: by table, and for every parameter by its own line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.controls.parameters import PARAMETERS, Parameter
from bridge.events import HostReport, NoteOff, NoteOn, Set
from bridge.ports.osc.codec import Message
from bridge.ports.osc.namespace import ADDRESSES_IN, NAMESPACE
from bridge.ports.osc.reading import Ask, Hello, Subscribe, Unsubscribe, read

NAN, INF = math.nan, math.inf
VALUED = [parameter for parameter in PARAMETERS.values() if parameter.kind != "trigger"]
TRIGGERS = [parameter for parameter in PARAMETERS.values() if parameter.kind == "trigger"]
NUMBERS = [parameter for parameter in VALUED if parameter.kind in ("number", "whole")]
CHOICES = [parameter for parameter in VALUED if parameter.kind == "choice"]


def asked(address: str, *arguments: object) -> list[object]:
    return list(read(Message(address, arguments), 5.0))


@pytest.mark.parametrize(
    ("address", "arguments", "event"),
    [
        ("/gapt/note", (60, 100), NoteOn(5.0, 60, 100)),
        ("/gapt/note", (60.0, 99.6), NoteOn(5.0, 60, 100)),
        ("/gapt/note", (60, 100, 12.5), NoteOn(5.0, 60, 100, beats=12.5)),
        ("/gapt/note", (60, 0), NoteOff(5.0, 60)),
        ("/gapt/note", (60, 0.4, 13), NoteOff(5.0, 60, beats=13.0)),
        ("/gapt/host", (4.25, 97.5, 1), HostReport(5.0, "osc", beats=4.25, bpm=97.5, playing=True, exact=True)),
        (
            "/gapt/host",
            (-4, 120, 0, 6.0, 8.0),
            HostReport(5.0, "osc", beats=-4.0, bpm=120.0, metre=(6, 8), playing=False, exact=True),
        ),
        ("/gapt/transport", (True,), HostReport(5.0, "osc", playing=True)),
        ("/gapt/transport", (0.0, 16), HostReport(5.0, "osc", playing=False, beats=16.0)),
        ("/gapt/hello", (1,), Hello(1, "")),
        ("/gapt/hello", (1.0, "score"), Hello(1, "score")),
        ("/gapt/subscribe", (), Subscribe(None)),
        ("/gapt/subscribe", (9200.0,), Subscribe(9200)),
        ("/gapt/unsubscribe", (9200,), Unsubscribe(9200)),
        ("/gapt/dump", (), Ask(tuple(parameter.name for parameter in VALUED))),
        ("/gapt/learn", ("temperature",), Set(5.0, "learn", "temperature")),
        ("/gapt/unlearn", ("temperature",), Set(5.0, "unlearn", "temperature")),
        ("/gapt/preset", ("public-domain",), Set(5.0, "preset", "public-domain")),
        ("/gapt/metre", ("3/4",), Set(5.0, "metre", "3/4")),
        ("/gapt/in_channels", (3.0,), Set(5.0, "in_channels", "3")),
        ("/gapt/hold", (1.0,), Set(5.0, "hold", True)),
        ("/gapt/hold", (False,), Set(5.0, "hold", False)),
    ],
)
def test_what_is_asked_for(address: str, arguments: tuple[object, ...], event: object) -> None:
    assert asked(address, *arguments) == [event]


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/gapt", ()),
        ("/gapt/notes", (60, 100)),
        ("/gapt/note", ()),
        ("/gapt/note", (60,)),
        ("/gapt/note", (60, 100, 1, 1)),
        ("/gapt/note", ("60", 100)),
        ("/gapt/note", (b"60", 100)),
        ("/gapt/note", (None, 100)),
        ("/gapt/note", (128, 100)),
        ("/gapt/note", (-1, 100)),
        ("/gapt/note", (60, 128)),
        ("/gapt/note", (60, -0.6)),
        ("/gapt/note", (60, 100, 1e9)),
        ("/gapt/note", (NAN, 100)),
        ("/gapt/host", (0, 120)),
        ("/gapt/host", (0, 120, 1, 4)),
        ("/gapt/host", (0, 9.9, 1)),
        ("/gapt/host", (0, NAN, 1)),
        ("/gapt/host", (INF, 120, 1)),
        ("/gapt/host", (0, 120, 1, 4, 5)),
        ("/gapt/host", (0, 120, 1, 0, 4)),
        ("/gapt/host", (0, 120, 1, 1e30, 4)),
        ("/gapt/transport", ()),
        ("/gapt/transport", (1, -INF)),
        ("/gapt/hello", ()),
        ("/gapt/hello", ("1",)),
        ("/gapt/hello", (1, 2)),
        ("/gapt/hello", (0,)),
        ("/gapt/subscribe", (0,)),
        ("/gapt/subscribe", (65536,)),
        ("/gapt/subscribe", ("9000",)),
        ("/gapt/learn", ()),
        ("/gapt/learn", ("nothing",)),
        ("/gapt/learn", (1,)),
        ("/gapt/voicing", ("brass",)),
        ("/gapt/voicing", (-1,)),
        ("/gapt/voicing", (b"pad",)),
        ("/gapt/hold", (b"1",)),
        ("/gapt/panic", (b"1",)),
        ("/gapt/panic", (NAN,)),
        ("/gapt/tempo", (120, 120)),
        ("/gapt/metre", (3.5,)),
        ("/gapt/metre", ("4/5",)),
        ("/gapt/[", ()),
        ("/gapt/nothing*", ()),
        ("/gapt/note*", (60,)),
    ],
)
def test_what_is_not_ours_is_refused(address: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        asked(address, *arguments)


@pytest.mark.parametrize("parameter", VALUED, ids=lambda parameter: parameter.name)
def test_a_parameter_without_a_value_is_a_question(parameter: Parameter) -> None:
    assert asked(parameter.address) == [Ask((parameter.name,))]


@pytest.mark.parametrize("parameter", NUMBERS, ids=lambda parameter: parameter.name)
@given(share=st.floats(0, 1))
def test_a_number_may_come_as_a_float_or_an_int_within_its_range(parameter: Parameter, share: float) -> None:
    value = parameter.low + share * (parameter.high - parameter.low)
    assert asked(parameter.address, value) == [Set(5.0, parameter.name, parameter.checked(value))]
    assert asked(parameter.address, int(parameter.high)) == [
        Set(5.0, parameter.name, parameter.checked(parameter.high))
    ]
    for beyond in (parameter.low - 1.0, parameter.high + 1.0, NAN, INF, -INF, "loud", None):
        with pytest.raises(ValueError, match=r"."):
            asked(parameter.address, beyond)


@pytest.mark.parametrize("parameter", CHOICES, ids=lambda parameter: parameter.name)
def test_a_choice_may_come_by_word_or_number(parameter: Parameter) -> None:
    for number, choice in enumerate(parameter.choices):
        expected = [Set(5.0, parameter.name, choice)]
        assert asked(parameter.address, choice) == expected
        assert asked(parameter.address, choice.upper()) == expected
        assert asked(parameter.address, float(number)) == expected
    with pytest.raises(ValueError, match="one of"):
        asked(parameter.address, len(parameter.choices))


@pytest.mark.parametrize("parameter", TRIGGERS, ids=lambda parameter: parameter.name)
def test_a_trigger_goes_off_when_it_is_pressed_and_not_when_it_is_let_go(parameter: Parameter) -> None:
    for arguments in ((), (1,), (1.0,), (True,)):
        assert asked(parameter.address, *arguments) == [Set(5.0, parameter.name, True)]
    for arguments in ((0,), (0.0,), (False,)):
        assert asked(parameter.address, *arguments) == []


def test_a_pattern_sets_all_that_it_matches_and_that_can_have_the_value() -> None:
    assert asked("/gapt/{velocity,register,nothing}", 64.0) == [Set(5.0, "register", 64), Set(5.0, "velocity", 64)]
    assert asked("/gapt/velocity*", 64) == [Set(5.0, "velocity", 64)]  # it is too much for velocity_follow
    assert asked("/*/vo[h-j]cing", "pad") == [Set(5.0, "voicing", "pad")]


def test_a_pattern_without_a_value_asks_and_sets_nothing_off() -> None:
    answers = asked("/gapt/*")
    assert {name for ask in answers if isinstance(ask, Ask) for name in ask.names} == {p.name for p in VALUED}
    assert not [event for event in answers if isinstance(event, Set)]


def test_every_address_in_is_known() -> None:
    samples = {"f": 1.0, "i": 1, "s": "tempo"}
    for line in NAMESPACE:
        if line.way == "in":
            named = zip(line.arguments.split(), line.types.partition("[")[0], strict=False)
            arguments = [120.0 if name == "bpm" else samples[tag] for name, tag in named]
            assert len(asked(line.address, *arguments)) == 1, line
    assert len(set(ADDRESSES_IN)) == len(ADDRESSES_IN)
