"""Datagrams that no client should send: hopeless ones, and good ones that something has been done to."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import NamedTuple

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.codec import build, bundle
from bridge.ports.osc.namespace import ADDRESSES_IN

Chance = random.Random


class Bad(NamedTuple):
    """A datagram; `hopeless` says that nothing at all may come of it."""

    datagram: bytes
    hopeless: bool


def bad(chance: Chance) -> Bad:
    """One datagram, drawn by `chance` alone."""
    if chance.random() < 0.5:
        return Bad(chance.choice(HOPELESS)(chance), hopeless=True)
    return Bad(chance.choice(DOUBTFUL)(chance), hopeless=False)


def good(chance: Chance) -> bytes:
    """A datagram as a client sends it, to any address that is not about subscriptions."""
    address = chance.choice(OTHERS)
    parameter = PARAMETERS.get(address.removeprefix("/gapt/"))
    if parameter is None:
        return build(address, chance.choice(SAMPLES[address]))
    values = [*(parameter.choices or (parameter.low, parameter.high)), chance.uniform(parameter.low, parameter.high)]
    if parameter.kind == "text":
        values = ["3/4", "1", "default"]
    return build(address, [chance.choice(values)] if chance.random() < 0.9 else [])


ABOUT_US = frozenset({"/gapt/hello", "/gapt/subscribe", "/gapt/unsubscribe"})
OTHERS = [address for address in ADDRESSES_IN if address not in ABOUT_US] + ["/gapt/note", "/gapt/host"] * 10

SAMPLES: dict[str, list[list[int | float | str]]] = {
    "/gapt/note": [[60, 100], [60.0, 0.0], [127, 127, 16.25]],
    "/gapt/host": [[0, 120, 1], [64.5, 97.5, 1.0, 3, 4], [0.0, 10.0, 0, 32, 16]],
    "/gapt/transport": [[1], [0, 4.0]],
    "/gapt/dump": [[]],
    "/gapt/learn": [["tempo"]],
    "/gapt/unlearn": [["tempo"]],
}


def _cut(chance: Chance) -> bytes:
    datagram = build("/gapt/note", [chance.randrange(128), chance.randrange(128)])
    return datagram[: chance.randrange(len(datagram))]


def _noise(chance: Chance) -> bytes:
    # The first byte makes it neither a message nor a bundle.
    return bytes([chance.randrange(0x30, 0x100)]) + chance.randbytes(chance.randrange(300))


def _other_address(chance: Chance) -> bytes:
    addresses = [
        "/gapt",
        "/gapt/notes",
        "/",
        "/gapt/note/1",
        "/gapt/[",
        "/gapt/{note",
        "//",
        "/g?pt",
        "/gapt/" + "*" * 300,
    ]
    return build(chance.choice(addresses), [60, 100])


def _other_arguments(chance: Chance) -> bytes:
    inf, nan = float("inf"), float("nan")
    lists = [[], [60], [60, 100, 1, 1], ["60", "100"], [60, "x"], [-1, 64], [128, 64], [60, 128], [60, nan], [inf, 1]]
    return build("/gapt/note", chance.choice(lists))


def _other_values(chance: Chance) -> bytes:
    value = chance.choice([9.99, 1000, -1, 1e38, float("nan"), float("-inf"), "fast"])
    return build(chance.choice(["/gapt/tempo", "/gapt/channel", "/gapt/voicing", "/gapt/register"]), [value, value])


def _unknown_type(chance: Chance) -> bytes:
    tags = bytes([chance.choice(b"SIcrm[]tzQ*")])
    return b"/gapt/note\0\0,ii" + tags + b"\0\0\0\0" + struct.pack(">iii", 60, 100, 0)


def _bad_bundle(chance: Chance) -> bytes:
    note = build("/gapt/note", [60, 100])
    size = chance.choice([-4, -1, 0, 1, 2, 3, len(note) + 4, 0x7FFFFFFF, -0x80000000])
    nested = note
    for _ in range(chance.randrange(9, 40)):
        nested = bundle(nested)
    return chance.choice([bundle(note)[:17], bundle(note)[:16] + struct.pack(">i", size) + note, nested])


def _bad_subscription(chance: Chance) -> bytes:
    return build(chance.choice(sorted(ABOUT_US)), [chance.choice([0, -1, 65536, 1e9, "x", float("nan")]), 1.0, 2.0])


def _random_bytes(chance: Chance) -> bytes:
    head = chance.choice([b"", b"/", b"/gapt/", b"/gapt/note\0\0,", b"#bundle\0", b"#bundle\0" + b"\0" * 8])
    return head + chance.randbytes(chance.randrange(120))


def _flipped(chance: Chance) -> bytes:
    datagram = bytearray(good(chance) if chance.random() < 0.7 else bundle(good(chance), bundle(good(chance))))
    for _ in range(chance.randrange(1, 5)):
        datagram[chance.randrange(len(datagram))] ^= 1 << chance.randrange(8)
    return bytes(datagram)


def _spliced(chance: Chance) -> bytes:
    first, second = good(chance), bundle(good(chance), good(chance))
    return first[: 4 * chance.randrange(len(first) // 4 + 1)] + second[4 * chance.randrange(len(second) // 4) :]


def _repeated(chance: Chance) -> bytes:
    datagram = good(chance)
    place = 4 * chance.randrange(len(datagram) // 4)
    return datagram[:place] + datagram[place : place + 4] * chance.randrange(40) + datagram[place + 4 :]


HOPELESS: list[Callable[[Chance], bytes]] = [
    _cut,
    _noise,
    _other_address,
    _other_arguments,
    _other_values,
    _unknown_type,
    _bad_bundle,
    _bad_subscription,
    lambda chance: b"",
]

DOUBTFUL: list[Callable[[Chance], bytes]] = [_random_bytes, _flipped, _spliced, _repeated]
