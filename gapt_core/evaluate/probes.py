"""Every measurement of a net under one name each, set by set, as tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from gapt_core.evaluate.adaptation import MULTIPLE, SINGLE, Perturbation, adaptation_tables, measure_adaptation
from gapt_core.evaluate.ahead import AHEAD_FRAMES, AHEAD_SONGS, measure_ahead
from gapt_core.evaluate.cold_start import cold_start_tables
from gapt_core.evaluate.duet import measure_against
from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.measure import measure
from gapt_core.evaluate.measured import Measured
from gapt_core.evaluate.sessions import MOST_SESSIONS, SESSION_FRAMES, measure_sessions
from gapt_core.evaluate.sets import EvaluateConfig, SongSet, cut
from gapt_core.evaluate.tables import SetTable, tables_of
from gapt_core.model.policy import PolicyNet

LONGEST = SESSION_FRAMES
"""How much of a song a measurement asks for at most, besides the plain one."""

NOTES = {
    "play": "Free play, in both modes.",
    "adaptation_single": "From bar 5 on the song is a tritone higher. Note in chord by quarter, averaged over songs: "
    "before (8 quarters), drop (4 quarters after), after (all 48); recovery: quarters until 4 quarters in a row "
    "are back at 90 % of before; area lost: what is missing to before, summed over quarters.",
    "adaptation_multiple": "Bars 3-4 by +6, 5-6 by +4, 7-8 by -10 semitones, then home. The same figures: before "
    "(4 quarters), and from the last change on; area lost since the first change.",
    "cold_start": "Note in chord of each of the first quarters.",
    "sessions": f"Songs one after the other for {SESSION_FRAMES} frames, at most {MOST_SESSIONS} sessions a set; "
    "figures of each quarter of a session.",
    "ahead": f"At most {AHEAD_SONGS} songs of {AHEAD_FRAMES} frames. MODE +n: chords decided n beats ahead; MODE /n: "
    "n beats at once; kept n: share of the chords that were shown n beats before as they came out.",
    "against": "Both parts are played, at once: chords by the policy, melody by the melody agent, in the songs' bars.",
}
"""Name of a measurement to what it is, in the order in which they are made."""


@dataclass(frozen=True)
class Subject:
    """Who is measured: a policy, the melody agent that it meets, what they play, and who listens."""

    net: PolicyNet
    agent: PolicyNet
    config: EvaluateConfig
    embedder: Embedder | None


class Probes:
    """Measures one policy over one set after the other; sets come with `LONGEST` frames of each song, or `frames`."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._plain: dict[tuple[str, str], Measured] = {}
        self._ways: dict[str, Callable[[SongSet], list[SetTable]]] = {
            "play": self._play,
            "adaptation_single": lambda entry: self._adaptation(entry, SINGLE),
            "adaptation_multiple": lambda entry: self._adaptation(entry, MULTIPLE),
            "cold_start": lambda entry: cold_start_tables(self._played(entry)),
            "sessions": lambda entry: tables_of(self._by(measure_sessions, entry)),
            "ahead": lambda entry: tables_of(self._by(measure_ahead, entry)),
            "against": self._against,
        }

    def tables(self, name: str, entry: SongSet) -> list[SetTable]:
        """The table of measurement `name` over a set; none where no song of the set can be measured so."""
        return self._ways[name](entry)

    def _by(self, way: Callable[..., Measured], entry: SongSet) -> Measured:
        subject = self._subject
        return way(subject.net, [entry], subject.config, subject.embedder)

    def _played(self, entry: SongSet) -> Measured:
        key = entry.split, entry.name
        if key not in self._plain:
            self._plain[key] = self._by(measure, self._cut(entry))
        return self._plain[key]

    def _play(self, entry: SongSet) -> list[SetTable]:
        return tables_of(self._played(entry))

    def _adaptation(self, entry: SongSet, perturbation: Perturbation) -> list[SetTable]:
        subject = self._subject
        found = measure_adaptation(subject.net, [entry], subject.config, subject.embedder, perturbation)
        return adaptation_tables(found, perturbation)

    def _against(self, entry: SongSet) -> list[SetTable]:
        subject = self._subject
        found = measure_against(subject.net, subject.agent, [self._cut(entry)], subject.config, subject.embedder)
        return tables_of(found)

    def _cut(self, entry: SongSet) -> SongSet:
        return entry._replace(pieces=[cut(piece, self._subject.config.frames) for piece in entry.pieces])


def chosen(names: Collection[str], everything: bool) -> Sequence[str]:
    """The measurements to make, in their order: the plain one always."""
    return [name for name in NOTES if everything or name in names or name == "play"]
