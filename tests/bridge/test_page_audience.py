"""Those who look on: what a message may ask for, and how whoever is slow gets the picture and holds up nobody."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.controls.parameters import PARAMETERS
from bridge.errors import BridgeError
from bridge.page.asked import Ping, Refusal, Wish, read
from bridge.page.audience import Audience, Client, Patience

PRESETS = ["default", "mine"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def asks(name: object, value: object) -> str:
    return json.dumps({"type": "set", "name": name, "value": value})


def test_a_setting_is_read_as_the_table_has_it() -> None:
    assert read(asks("velocity", 90.0), PRESETS) == Wish("velocity", 90)
    assert read(asks("mode", "REACT"), PRESETS) == Wish("mode", "react")
    assert read(asks("panic", True), PRESETS) == Wish("panic", True)
    assert read(asks("preset", "mine"), PRESETS) == Wish("preset", "mine")
    assert read('{"type":"ping","client":12.5}', PRESETS) == Ping(12.5)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("velocity", 128, "1 to 127"),
        ("velocity", [1], "1 to 127"),
        ("velocity", None, "1 to 127"),
        ("tempo", 10**400, "10 to 999"),
        ("mode", "", "react"),
        ("preset", "../../etc", "no such preset"),
        ("preset", "/tmp/x", "no such preset"),
        ("preset", {"a": 1}, "no such preset"),
        ("learn", "velocity", "no such parameter"),
        ("__class__", 1, "no such parameter"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(name: str, value: object, word: str) -> None:
    refusal = read(asks(name, value), PRESETS)
    assert isinstance(refusal, Refusal) and refusal.name == name and word in refusal.sentence


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "null",
        "[" * 4000,
        '{"type":"set"}',
        '{"type":"set","name":1,"value":1}',
        '{"type":"ping","client":NaN}',
        '{"type":"ping","client":true}',
        '{"type":"ping","client":1e999}',
        "9" * 4096,
        '{"type":"ping","client":' + "9" * 4000 + "}",
        '{"type":["set"]}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    assert isinstance(read(text, PRESETS), Refusal)


@given(st.text() | JSON.map(json.dumps) | st.builds(asks, st.sampled_from([*PARAMETERS]) | st.text(), JSON))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    asked = read(text, PRESETS)
    if isinstance(asked, Wish):
        assert PARAMETERS[asked.name].checked(asked.value) == asked.value
    elif isinstance(asked, Refusal):
        assert asked.sentence


def test_a_refusal_says_what_the_table_says() -> None:
    with pytest.raises(BridgeError) as error:
        PARAMETERS["offset_ms"].checked("much")
    assert read(asks("offset_ms", "much"), PRESETS) == Refusal("offset_ms", str(error.value))


async def told(client: Client, count: int) -> list[object]:
    return [json.loads(await client.next()) for _ in range(count)]


def test_whoever_is_behind_gets_the_whole_picture_instead() -> None:
    async def scene() -> None:
        audience, seen = Audience(), {"type": "hello", "last": 0}
        quick, slow = Client(lambda: seen, most=4), Client(lambda: seen, most=4)
        audience.clients |= {quick, slow}
        assert await told(quick, 1) == await told(slow, 1) == [seen]
        for number in range(1, 20):
            seen = {"type": "hello", "last": number}
            audience.tell({"number": number})
            assert await told(quick, 1) == [{"number": number}]
        audience.tell({"number": 20})
        assert await told(slow, 1) == [{"type": "hello", "last": 19}]
        audience.tell({"number": 21})
        assert await told(slow, 1) == [{"number": 21}]

    asyncio.run(scene())


def test_a_client_who_waits_is_told_at_once() -> None:
    async def scene() -> None:
        client = Client(lambda: {"type": "hello"})
        await client.next()
        waiting = asyncio.ensure_future(client.next())
        await asyncio.sleep(0)
        assert not waiting.done()
        client.put("news")
        assert await waiting == "news"

    asyncio.run(scene())


def test_patience_lets_a_burst_through_and_then_so_many_a_second() -> None:
    now = 0.0
    patience = Patience(lambda: now, per_second=10.0, at_once=5)
    assert [patience.wait_seconds() for _ in range(5)] == [0.0] * 5
    assert [round(patience.wait_seconds(), 6) for _ in range(3)] == [0.1, 0.2, 0.3]
    now = 60.0
    assert [patience.wait_seconds() for _ in range(5)] == [0.0] * 5
    assert patience.wait_seconds() > 0.0
