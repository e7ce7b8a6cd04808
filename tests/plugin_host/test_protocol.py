"""Messages survive the wire, however it cuts them, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapt_core.chords import CHORD_COUNT
from gapt_core.vocabulary import CHORD_TOKENS, MELODY_TOKENS
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import ProtocolError
from plugin_host.protocol import (
    HEADER,
    LONGEST_BODY,
    VERSION,
    Alive,
    Answer,
    Ask,
    Cut,
    Decoder,
    Failed,
    Feed,
    Message,
    Ready,
    Recall,
    Reset,
    Sample,
    encode,
)

indices = st.integers(0, 2**50)
lengths = st.integers(0, 0xFFFF)
metres = st.tuples(lengths, lengths, lengths)
melody = st.integers(0, MELODY_TOKENS - 1)
chords = st.integers(0, CHORD_TOKENS - 1)
finite = st.floats(allow_nan=False)
melody_frames = st.builds(MelodyFrame, indices, melody, metres)
requests = st.builds(
    PlanRequest,
    indices,
    st.none() | melody,
    st.lists(metres, max_size=20).map(tuple),
    lengths,
    st.booleans(),
    st.booleans(),
)
plans = st.builds(Plan, indices, st.lists(chords, max_size=20).map(tuple), lengths, finite)
allowed = st.none() | st.frozensets(st.integers(0, CHORD_COUNT - 1))
samplings = st.builds(Sampling, finite, finite, st.integers(-(2**63), 2**63 - 1), allowed)
messages = st.one_of(
    st.builds(Reset, samplings),
    st.builds(Sample, samplings),
    st.builds(Cut, indices),
    st.builds(Feed, melody_frames),
    st.builds(
        Recall,
        st.booleans(),
        st.lists(melody_frames, max_size=9).map(tuple),
        st.lists(st.tuples(indices, chords), max_size=9).map(tuple),
    ),
    st.builds(Ask, indices, requests),
    st.builds(Answer, indices, plans, st.booleans()),
    st.builds(Ready, st.integers(1, 4096)),
    st.just(Alive()),
    st.builds(Failed, st.text(max_size=200)),
)


@given(st.lists(messages, max_size=6), st.data())
def test_messages_survive_the_wire(sent: list[Message], data: st.DataObject) -> None:
    stream = b"".join(encode(message) for message in sent)
    decoder = Decoder()
    received: list[Message] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += decoder.take(stream[:size])
        stream = stream[size:]
    assert received == sent


@given(messages, st.data())
def test_a_body_that_is_cut_short_is_refused(message: Message, data: st.DataObject) -> None:
    encoded = encode(message)
    version, kind, length = HEADER.unpack_from(encoded)
    if isinstance(message, Failed) or not length:
        return
    kept = data.draw(st.integers(0, length - 1))
    with pytest.raises(ProtocolError):
        Decoder().take(HEADER.pack(version, kind, kept) + encoded[HEADER.size : HEADER.size + kept])


@pytest.mark.parametrize(
    "header", [(VERSION + 1, 1, 0), (VERSION, 0, 0), (VERSION, 99, 0), (VERSION, 8, LONGEST_BODY + 1)]
)
def test_an_unknown_header_is_refused(header: tuple[int, int, int]) -> None:
    with pytest.raises(ProtocolError, match="another version"):
        Decoder().take(HEADER.pack(*header))


@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_out(noise: bytes) -> None:
    try:
        Decoder().take(noise)
    except ProtocolError:
        return
    assert len(noise) < HEADER.size or noise[0] == VERSION


def test_a_number_too_large_is_refused_where_it_is_sent() -> None:
    with pytest.raises(ProtocolError, match="does not fit"):
        encode(Reset(Sampling(seed=2**64)))


@pytest.mark.parametrize("chord", [-1, CHORD_COUNT + 8, 10**6])
def test_a_chord_that_there_is_not_is_refused_where_it_is_sent(chord: int) -> None:
    with pytest.raises(ProtocolError, match="does not fit"):
        encode(Sample(Sampling(allowed=frozenset({chord}))))
