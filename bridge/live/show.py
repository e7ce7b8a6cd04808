"""What people see and read while a session plays, and when it has ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bridge.live.console import Console
from bridge.live.record import Tally, line_of
from bridge.live.sender import Sent, Tap
from bridge.live.view import View

Write = Callable[[str], None]


@dataclass
class Show:
    """Where sentences go; all of it may be called on the sender's thread, for it only hands on.

    Attributes:
        say: shows a sentence.
        sent: is told of every chord.
        taps: are told of every message.
        tally: how late the chords were.
        hides: whether what is shown goes when the session ends.
        last_words: sentences to be read once the view is gone.
    """

    say: Write
    sent: Callable[[Sent], None]
    taps: list[Tap] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    hides: bool = False
    last_words: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        """Show a sentence now and once more at the end, where the live view would have hidden it."""
        self.say(sentence)
        if self.hides:
            self.last_words.append(sentence)


@contextlib.contextmanager
def open_show(plain: bool, write: Write) -> Iterator[Show]:
    """The live view or, where it is `plain`, a line for each chord, put out by `write`."""
    tally = Tally()
    if not plain:
        with contextlib.closing(View()) as view:
            view.start()
            yield Show(view.say, tally.add, [lambda message, *_: view.send(message)], tally, hides=True)
        return
    console = Console(write)

    def sent(chord: Sent) -> None:
        tally.add(chord)
        console.show(lambda: line_of(chord))

    def say(sentence: str) -> None:
        console.show(lambda: sentence)

    try:
        yield Show(say, sent, [], tally)
    finally:
        console.close()
