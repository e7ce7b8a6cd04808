"""What is yet to be sent, ordered in beats."""

from __future__ import annotations

import heapq
import itertools
import math

from bridge.events import ChordStarts, EndNote, OutMessage, PlanShown, PlayNote

_RANK = {EndNote: 0, ChordStarts: 1, PlayNote: 2, PlanShown: 3}
"""At the same beat what ends goes before what begins: a note struck again must not be cut by its own past."""


class Scheduler:
    """A queue of messages by `due_beats`; at the same beat by kind, then in the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, int, OutMessage]] = []
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, message: OutMessage) -> None:
        """Queue `message`."""
        heapq.heappush(self._heap, (message.due_beats, _RANK[type(message)], next(self._order), message))

    def next_beats(self) -> float:
        """When the first message is due; infinity for an empty queue."""
        return self._heap[0][0] if self._heap else math.inf

    def pop(self) -> OutMessage:
        """Take the first message out.

        Raises:
            IndexError: the queue is empty.
        """
        return heapq.heappop(self._heap)[-1]

    def clear(self) -> None:
        """Drop everything."""
        self._heap.clear()
