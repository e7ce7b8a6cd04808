"""What the bridge and the worker say to each other, as bytes: a table of small messages, never pickled.

A message is a header (version, kind, length of the body) and a body of fixed fields and counted arrays,
all little-endian. Tokens are 16 bits, frames 64, and `NONE` stands for a token that is not there. A set of chords is a
bit each, in 30 bytes, behind a byte that says whether there is a limit at all.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from gapt_core.chords import CHORD_COUNT
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import ProtocolError

VERSION = 2
NONE = 0xFFFF
LONGEST_BODY = 1 << 20

HEADER = struct.Struct("<BBI")
_CHORD_BYTES = (CHORD_COUNT + 7) // 8
_SAMPLING = struct.Struct(f"<ddqB{_CHORD_BYTES}s")
_FRAME = struct.Struct("<qHHHH")
_ASK = struct.Struct("<qqHHBBH")
_ANSWER = struct.Struct("<qBqdHH")
_CUT = struct.Struct("<q")
_RECALL = struct.Struct("<BHH")
_CHORD = struct.Struct("<qH")
_READY = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Reset:
    """To the worker: forget the music."""

    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Sample:
    """To the worker: draw chords so from the next plan on."""

    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Cut:
    """To the worker: what was committed from `frame` on will not be played."""

    frame: int


@dataclass(frozen=True, slots=True)
class Feed:
    """To the worker: the next melody frame."""

    frame: MelodyFrame


@dataclass(frozen=True, slots=True)
class Recall:
    """To the worker: what was heard and committed while another one answered; it says `Ready` when it knows it.

    `shown` says whether frames were heard before their chord was chosen (`react`); `chords` are
    (frame, token), some perhaps of frames that are not heard yet.
    """

    shown: bool
    frames: tuple[MelodyFrame, ...]
    chords: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """To the worker: a request, numbered so that the answer finds its way back."""

    number: int
    request: PlanRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """From the worker: the plan that answers request `number`, or its committed part where it is not `whole`."""

    number: int
    plan: Plan
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Ready:
    """From the worker: loaded and warm, or done with a `Recall`; it hears `window` frames back."""

    window: int


@dataclass(frozen=True, slots=True)
class Alive:
    """From the worker: nothing to do, and well."""


@dataclass(frozen=True, slots=True)
class Failed:
    """From the worker: why it cannot start, one sentence for the user."""

    sentence: str


Message = Union[Reset, Sample, Cut, Feed, Recall, Ask, Answer, Ready, Alive, Failed]


def encode(message: Message) -> bytes:
    """The bytes of one message.

    Raises:
        ProtocolError: a number is too large for its field.
    """
    kind, pack, _ = _KINDS[type(message)]
    try:
        body = pack(message)
    except (struct.error, ValueError, OverflowError) as error:
        raise ProtocolError(f"{message} has a number that does not fit the protocol ({error}).") from error
    return HEADER.pack(VERSION, kind, len(body)) + body


class Decoder:
    """Turns a stream of bytes, cut anywhere, back into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order.

        Raises:
            ProtocolError: the bytes are no messages of this version; the stream cannot be read on.
        """
        self._rest += data
        messages: list[Message] = []
        while len(self._rest) >= HEADER.size:
            version, kind, length = HEADER.unpack_from(self._rest)
            if version != VERSION or kind not in _READERS or length > LONGEST_BODY:
                raise ProtocolError("The policy's process speaks another version: install gapt-bridge again.")
            end = HEADER.size + length
            if len(self._rest) < end:
                break
            messages.append(_decode(kind, bytes(self._rest[HEADER.size : end])))
            del self._rest[:end]
        return messages


def _decode(kind: int, body: bytes) -> Message:
    try:
        return _READERS[kind](body)
    except (struct.error, UnicodeDecodeError) as error:
        raise ProtocolError(f"A message of the policy's process is damaged ({error}): start again.") from error


def _pack_frame(frame: MelodyFrame) -> bytes:
    return _FRAME.pack(frame.index, frame.melody, *frame.metre)


def _read_frame(body: bytes, offset: int = 0) -> MelodyFrame:
    index, melody, *metre = _FRAME.unpack_from(body, offset)
    return MelodyFrame(index, melody, (metre[0], metre[1], metre[2]))


def _pack_sampling(sampling: Sampling) -> bytes:
    allowed = sum(1 << chord for chord in sampling.allowed or ()).to_bytes(_CHORD_BYTES, "little")
    return _SAMPLING.pack(sampling.temperature, sampling.density, sampling.seed, sampling.allowed is not None, allowed)


def _read_sampling(body: bytes) -> Sampling:
    temperature, density, seed, limited, mask = _SAMPLING.unpack(body)
    bits = int.from_bytes(mask, "little")
    allowed = frozenset(chord for chord in range(CHORD_COUNT) if bits >> chord & 1)
    return Sampling(temperature, density, seed, allowed if limited else None)


def _pack_recall(message: Recall) -> bytes:
    parts = [_RECALL.pack(message.shown, len(message.frames), len(message.chords))]
    parts += [_pack_frame(frame) for frame in message.frames]
    parts += [_CHORD.pack(*chord) for chord in message.chords]
    return b"".join(parts)


def _read_recall(body: bytes) -> Recall:
    shown, frame_count, chord_count = _RECALL.unpack_from(body)
    chords_at = _RECALL.size + frame_count * _FRAME.size
    frames = tuple(_read_frame(body, _RECALL.size + i * _FRAME.size) for i in range(frame_count))
    chords = tuple(_CHORD.unpack_from(body, chords_at + i * _CHORD.size) for i in range(chord_count))
    return Recall(bool(shown), frames, tuple((frame, token) for frame, token in chords))


def _pack_ask(message: Ask) -> bytes:
    request = message.request
    now = NONE if request.now is None else request.now
    flags = (request.play, request.enters)
    fields = (message.number, request.frame, now, request.commit, *flags, len(request.metres))
    places = [number for metre in request.metres for number in metre]
    return _ASK.pack(*fields) + struct.pack(f"<{len(places)}H", *places)


def _read_ask(body: bytes) -> Ask:
    number, frame, now, commit, play, enters, count = _ASK.unpack_from(body)
    places = struct.unpack_from(f"<{3 * count}H", body, _ASK.size)
    metres = tuple(zip(places[0::3], places[1::3], places[2::3], strict=True))
    return Ask(number, PlanRequest(frame, None if now == NONE else now, metres, commit, bool(play), bool(enters)))


def _pack_answer(message: Answer) -> bytes:
    plan = message.plan
    fields = (message.number, message.whole, plan.frame, plan.compute_seconds, plan.committed, len(plan.tokens))
    return _ANSWER.pack(*fields) + struct.pack(f"<{len(plan.tokens)}H", *plan.tokens)


def _read_answer(body: bytes) -> Answer:
    number, whole, frame, compute_seconds, committed, count = _ANSWER.unpack_from(body)
    tokens = struct.unpack_from(f"<{count}H", body, _ANSWER.size)
    return Answer(number, Plan(frame, tokens, committed, compute_seconds), bool(whole))


_KINDS: dict[type, tuple[int, Callable[[Any], bytes], Callable[[bytes], Message]]] = {
    Reset: (1, lambda message: _pack_sampling(message.sampling), lambda body: Reset(_read_sampling(body))),
    Feed: (2, lambda message: _pack_frame(message.frame), lambda body: Feed(_read_frame(body))),
    Recall: (3, _pack_recall, _read_recall),
    Ask: (4, _pack_ask, _read_ask),
    Answer: (5, _pack_answer, _read_answer),
    Ready: (6, lambda m: _READY.pack(m.window), lambda body: Ready(*_READY.unpack(body))),
    Alive: (7, lambda _: b"", lambda _: Alive()),
    Failed: (8, lambda message: message.sentence.encode(), lambda body: Failed(body.decode())),
    Sample: (9, lambda message: _pack_sampling(message.sampling), lambda body: Sample(_read_sampling(body))),
    Cut: (10, lambda message: _CUT.pack(message.frame), lambda body: Cut(*_CUT.unpack(body))),
}
_READERS = {kind: read for kind, _, read in _KINDS.values()}
