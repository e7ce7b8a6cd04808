"""What it costs to decide early, and what a look ahead is worth (ReaLJam §2).

Rows of each mode:

* `MODE`: each chord is decided at its own frame. `kept n`: share of the frames whose chord, or none, was already shown
  n quarters before, as planned then.
* `MODE +n`: each chord is decided n quarters before it sounds, a quarter of them at a time, so up to three sixteenths
  earlier still. The first n quarters are decided before anything is heard.
* `MODE /n`: the chords of n quarters are decided at once when the first of them comes, as `gapt jam --commit n` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.measure import Meter
from gapt_core.evaluate.measured import Measured, MeasuredRow
from gapt_core.evaluate.rollout import MODES, UNSEEN, PlayConfig, Played, play, play_ahead
from gapt_core.evaluate.sets import EvaluateConfig, SongSet, cut
from gapt_core.metrics import agreement
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import FRAMES_PER_BEAT

AHEAD_BEATS = (1, 2, 4)

AHEAD_SONGS = 16
AHEAD_FRAMES = 256
"""Imagining costs up to six times what playing costs, and there are many rows."""


def measure_ahead(
    net: PolicyNet, sets: Sequence[SongSet], config: EvaluateConfig, embedder: Embedder | None
) -> Measured:
    """All rows over the first `AHEAD_FRAMES` of at most `AHEAD_SONGS` songs a set."""
    config = replace(config, songs=min(config.songs, AHEAD_SONGS), frames=min(config.frames, AHEAD_FRAMES))
    meter = Meter(embedder)
    how = config.playing
    measured = []
    for entry in sets:
        entry = entry._replace(pieces=[cut(piece, config.frames) for piece in entry.pieces[: config.songs]])
        rows = meter.measured_set(entry, {})
        for mode in MODES:
            rows.rows.update(_rows_of(net, entry.pieces, replace(how, mode=mode), meter))
        measured.append(rows)
    return Measured("ahead", config, meter.embedders, measured)


def _rows_of(net: PolicyNet, pieces: Sequence[Piece], how: PlayConfig, meter: Meter) -> dict[str, MeasuredRow]:
    plain = play_ahead(net, pieces, replace(how, lookahead=max(AHEAD_BEATS)))
    kept = {f"kept {beats}": [share_kept(played, beats) for played in plain] for beats in AHEAD_BEATS}
    rows = {how.mode: replace(meter.row(pieces, [played.chords for played in plain]), extra=kept)}
    for beats in AHEAD_BEATS:
        committed = replace(how, commit=beats, block=FRAMES_PER_BEAT)
        rows[f"{how.mode} +{beats}"] = meter.row(pieces, play(net, pieces, committed))
    for beats in AHEAD_BEATS:
        at_once = replace(how, block=beats * FRAMES_PER_BEAT)
        rows[f"{how.mode} /{beats}"] = meter.row(pieces, play(net, pieces, at_once))
    return rows


def share_kept(played: Played, beats: int) -> float:
    """Share of the frames shown `beats` quarters before that turned out so; NaN where none was shown."""
    shown = played.shown[beats - 1]
    seen = shown != UNSEEN
    return agreement(shown[seen], played.chords[seen])
