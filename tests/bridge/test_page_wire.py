"""What the jam tells its page's process: messages as lines and back, and all of it again to a process that is new."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)
from bridge.page import wire
from bridge.page.backlog import Backlog

CHORD = PlannedChord(4.0, 2.0, "A:min7", (45, 60, 64, 67), True)

MESSAGES: list[OutMessage] = [
    PlayNote(1.25, 60, 64, 3, True),
    EndNote(1.5, 60, 3),
    ChordStarts(4.0, 16, "A:min7", (45, 60)),
    ChordStarts(4.0, 16, "N", ()),
    PlanShown(4.0, (CHORD, CHORD)),
    PlanShown(4.0, ()),
    MelodyHeard(0.1, 72, 100, 1),
    Silence(9.0, 2),
    ParameterChanged(3.0, "preset", "Größe “x”\n"),
    TransportChanged(0.0, True, 121.5, (6, 8), True),
    Status(2.0, True, 120.0, (4, 4), (3, 1.5), 7, 1, 0.002, "default", "", "Follows us.", "free"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was(message: OutMessage) -> None:
    line = wire.encode(message, 12.5, 3.25)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert wire.decode(json.loads(line)) == (message, 12.5, 3.25)


def test_every_message_but_clock_is_told() -> None:
    assert {type(message).__name__ for message in MESSAGES} == set(wire.KINDS)


@given(st.lists(st.sampled_from("pqrs") | st.integers(0, 99)), st.integers(0, 50))
def test_all_that_was_played_is_told_in_order_and_of_the_rest_the_newest(items: list[str | int], cut: int) -> None:
    backlog, told = Backlog(), list[bytes]()
    for number, item in enumerate(items):
        if isinstance(item, str):
            backlog.show(item, f"{item}{number}".encode())
        else:
            backlog.play(str(item).encode())
        if number == cut:
            told += backlog.lines()
    told += backlog.lines()
    played = [str(item).encode() for item in items if isinstance(item, int)]
    newest = {item: f"{item}{number}".encode() for number, item in enumerate(items) if isinstance(item, str)}
    assert [line for line in told if line[:1].isdigit()] == played
    assert {line[:1].decode(): line for line in told if not line[:1].isdigit()} == newest
    backlog.rewind()
    again = list(backlog.lines())
    assert again[: len(played)] == played and sorted(again[len(played) :]) == sorted(newest.values())


def test_a_line_not_taken_is_told_later() -> None:
    backlog = Backlog()
    for text in (b"a", b"b", b"c"):
        backlog.play(text)
    assert next(backlog.lines()) == b"a"
    assert list(backlog.lines()) == [b"b", b"c"] and not list(backlog.lines())


def test_beyond_the_most_the_oldest_is_forgotten_and_nothing_told_twice() -> None:
    backlog, told = Backlog(100), list[bytes]()
    for number in range(100):
        backlog.play(b"%010d" % number)
        told += backlog.lines()
    assert told == [b"%010d" % number for number in range(100)]
    backlog.rewind()
    rest = list(backlog.lines())
    assert rest == told[-len(rest) :] and 5 <= len(rest) <= 10
