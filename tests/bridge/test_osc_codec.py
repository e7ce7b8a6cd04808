"""Datagrams to messages and back, and every way in which they can be wrong."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.ports.osc.codec import MOST_BYTES_IN, MOST_BYTES_OUT, MOST_TEXT_BYTES, Message, build, bundle, parse

ARGUMENTS = st.lists(
    st.integers(-(1 << 31), (1 << 31) - 1)
    | st.floats(width=32, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    max_size=12,
)


@given(ARGUMENTS)
def test_what_goes_out_comes_in_again(arguments: list[int | float | str]) -> None:
    datagram = build("/gapt/anything", arguments)
    assert parse(datagram) == [Message("/gapt/anything", tuple(arguments))]
    assert len(datagram) % 4 == 0


def test_the_bytes_of_a_message() -> None:
    assert build("/gapt/note", [60, 0.5, "é"]) == (
        b"/gapt/note\0\0"  # the address, padded to twelve
        b",ifs\0\0\0\0"  # its types
        b"\0\0\0\x3c"  # 60
        b"\x3f\0\0\0"  # 0.5
        b"\xc3\xa9\0\0"  # UTF-8, padded
    )


def test_out_go_the_types_i_f_and_s_only() -> None:
    assert build("/x", [True, False, 1, 1.0, "1"])[4:12] == b",iiifs\0\0"


@pytest.mark.parametrize("number", [1 << 31, -(1 << 31) - 1, 1e39])
def test_a_number_of_more_than_32_bits_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match=r"/x|32 bits"):
        build("/x", [number])


def test_a_long_text_is_cut_between_characters_and_a_nought_left_out() -> None:
    (message,) = parse(build("/x", ["é" * 1000, "a\0b", "\ud800"]))
    assert message.arguments == ("é" * (MOST_TEXT_BYTES // 2), "ab", "?")


def test_a_datagram_that_a_network_would_cut_is_refused() -> None:
    assert len(build("/x", [0] * 290)) <= MOST_BYTES_OUT
    with pytest.raises(ValueError, match="longer than a datagram should be"):
        build("/x", [0] * 300)


def test_bundles_are_taken_apart_in_order_whatever_their_time() -> None:
    far = b"#bundle\0" + b"\xff" * 8
    inner = build("/b")
    later = far + struct.pack(">i", len(inner)) + inner
    assert [message.address for message in parse(bundle(build("/a"), later, bundle(), build("/c")))] == [
        "/a",
        "/b",
        "/c",
    ]


def test_all_types_that_hosts_send_are_read() -> None:
    datagram = b"/x\0\0,hdTFNsb\0\0\0\0" + struct.pack(">qd", 1 << 40, 0.25) + b"s\0\0\0" + b"\0\0\0\2ab\0\0"
    assert parse(datagram) == [Message("/x", (1 << 40, 0.25, True, False, None, "s", b"ab"))]


def test_a_message_without_types_has_no_arguments() -> None:
    assert parse(b"/gapt/dump\0\0") == [Message("/gapt/dump")]


NOTE = build("/gapt/note", [60, 100])

WRONG = {
    "empty": b"",
    "not a multiple of four": NOTE[:-1],
    "neither message nor bundle": b"gapt\0\0\0\0",
    "an address without an end": b"/gapt/no",
    "types without an end": b"/gapt/note\0\0,iii",
    "arguments without types": b"/gapt/note\0\0\0\0\0\x3c",
    "an argument missing": NOTE[:-4],
    "a float missing, which python-osc reads as 0": b"/gapt/note\0\0,ff\0" + struct.pack(">f", 60.0),
    "an argument too many": NOTE + b"\0\0\0\0",
    "a type nobody knows": b"/gapt/note\0\0,iiI\0\0\0\0" + struct.pack(">ii", 60, 100),
    "an array": b"/gapt/note\0\0,[ii]\0\0\0" + struct.pack(">ii", 60, 100),
    "a string that is no text": b"/x\0\0,s\0\0\xff\xfe\0\0",
    "a blob of negative size": b"/x\0\0,b\0\0\xff\xff\xff\xff",
    "a blob beyond the end": b"/x\0\0,b\0\0\0\0\0\x08abcd",
    "a bundle cut short": bundle(NOTE)[:18],
    "half a header of a bundle": b"#bundle\0\0\0\0\0",
    "too long": NOTE[:12] + b"," + b"T" * MOST_BYTES_IN,
    **{
        f"an element of size {size}": bundle(NOTE)[:16] + struct.pack(">i", size) + NOTE
        for size in (-4, -1, 0, 1, 3, len(NOTE) + 4, 0x7FFFFFFF, -0x80000000)
    },
}


@pytest.mark.parametrize("datagram", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_osc_is_refused(datagram: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(datagram)


def test_a_bundle_may_nest_only_so_deep() -> None:
    nested = NOTE
    for depth in range(8):
        nested = bundle(nested)
        assert len(parse(nested)) == 1, depth
    with pytest.raises(ValueError, match="too deep"):
        parse(bundle(nested))


MUTATIONS = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), min_size=1, max_size=6)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"/gapt/note\0\0," + tail))
def test_any_bytes_are_parsed_or_refused(datagram: bytes) -> None:
    _parsed_or_refused(datagram)


@given(ARGUMENTS, MUTATIONS)
def test_mutated_messages_are_parsed_or_refused(
    arguments: list[int | float | str], mutations: list[tuple[int, int]]
) -> None:
    datagram = bytearray(bundle(build("/gapt/note", arguments), build("/gapt/host", arguments)))
    for place, byte in mutations:
        datagram[place % len(datagram)] = byte
    _parsed_or_refused(bytes(datagram))


def _parsed_or_refused(datagram: bytes) -> None:
    try:
        messages = parse(datagram)
    except ValueError:
        return
    assert all(message.address.startswith("/") for message in messages)
