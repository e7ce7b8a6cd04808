"""The queue's order, what it drops, and the ledger's account of what it let out."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.ledger import Ledger
from bridge.engine.scheduler import Scheduler
from bridge.events import ChordStarts, EndNote, OutMessage, PlayNote

BEATS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.0 + 1e-9, 7.0])
PITCH = st.integers(60, 62)
CHANNEL = st.integers(0, 1)
MESSAGES = st.lists(
    st.builds(PlayNote, BEATS, PITCH, st.just(64), CHANNEL)
    | st.builds(EndNote, BEATS, PITCH, CHANNEL)
    | st.builds(ChordStarts, BEATS, st.just(0), st.just("N"), st.just(()))
)


def drain(scheduler: Scheduler) -> list[OutMessage]:
    return [scheduler.pop() for _ in range(len(scheduler))]


def filled(messages: list[OutMessage]) -> Scheduler:
    scheduler = Scheduler()
    for message in messages:
        scheduler.put(message)
    return scheduler


def rank(message: OutMessage) -> int:
    return [EndNote, ChordStarts, PlayNote].index(type(message))


@given(MESSAGES)
def test_by_beat_then_ends_first_then_as_put(messages: list[OutMessage]) -> None:
    expected = sorted(messages, key=lambda message: (message.due_beats, rank(message)))
    scheduler = filled(messages)
    assert scheduler.next_beats() == (expected[0].due_beats if expected else math.inf)
    assert [id(message) for message in drain(scheduler)] == [id(message) for message in expected]


@given(MESSAGES)
def test_a_queue_that_is_cleared_is_empty(messages: list[OutMessage]) -> None:
    scheduler = filled(messages)
    scheduler.clear()
    assert (len(scheduler), scheduler.next_beats()) == (0, math.inf)


@given(MESSAGES)
def test_the_ledger_ends_every_note_as_often_as_it_began(messages: list[OutMessage]) -> None:
    ledger, sounding = Ledger(), {}
    for message in messages:
        ledger.record(message)
        if isinstance(message, PlayNote | EndNote):
            key, step = (message.channel, message.pitch), 1 if isinstance(message, PlayNote) else -1
            sounding[key] = max(0, sounding.get(key, 0) + step)
    assert len(ledger) == sum(sounding.values())
    ends = ledger.end_all(3.0)
    assert {key: count for key, count in sounding.items() if count} == {
        (end.channel, end.pitch): sum(other == end for other in ends) for end in ends
    }
    assert len(ledger) == 0
    assert ledger.end_all(3.0) == []
