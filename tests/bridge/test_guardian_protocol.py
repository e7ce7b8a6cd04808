"""What goes over the guardian's wire, in whatever pieces; and that it is told anew what ends the notes sent by OSC."""

from __future__ import annotations

import queue

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import ParameterChanged, PlayNote
from bridge.guardian.guardian import Guardian
from bridge.guardian.last_words import LastWords
from bridge.guardian.protocol import Frames, Words, frame, pack_words, unpack_words

PATIENCE_SECONDS = 60.0

MESSAGES = st.tuples(st.integers(0, 255), st.binary(max_size=40))
HOSTS = st.ip_addresses().map(str)


@given(st.lists(MESSAGES, max_size=12), st.lists(st.integers(1, 9), min_size=1))
def test_messages_arrive_whole_whatever_the_pieces(messages: list[tuple[int, bytes]], pieces: list[int]) -> None:
    wire = b"".join(frame(kind, payload) for kind, payload in messages)
    frames, heard, start, i = Frames(), list[tuple[int, bytes]](), 0, 0
    while start < len(wire):
        end = start + pieces[i % len(pieces)]
        heard += frames.take(wire[start:end])
        start, i = end, i + 1
    assert heard == messages


@given(st.lists(st.tuples(HOSTS, st.integers(0, 65535), st.binary(max_size=2000)), max_size=8))
def test_last_words_are_unpacked_as_they_were_packed(words: list[Words]) -> None:
    assert unpack_words(pack_words(words)) == words


class Listening(Guardian):
    """A guardian without a process."""

    def __init__(self) -> None:
        super().__init__()
        self.told: queue.SimpleQueue[tuple[Words, ...]] = queue.SimpleQueue()

    def last_words(self, words: object) -> None:
        assert isinstance(words, (list, tuple))
        self.told.put(tuple(words))


def test_a_note_changes_the_last_words_and_closing_takes_them_back() -> None:
    guardian = Listening()
    end: Words = ("127.0.0.1", 9101, b"end")
    port = LastWords(guardian, lambda: [end])
    port.send(ParameterChanged(0.0, "seed", 1))
    port.send(PlayNote(0.0, 60, 64))
    assert guardian.told.get(timeout=PATIENCE_SECONDS) == (end,)
    port.close()
    port.close()
    told = [guardian.told.get_nowait() for _ in range(guardian.told.qsize())]
    assert told[-1] == ()
