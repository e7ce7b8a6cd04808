"""The nets that judge a duet: contrastive and discriminative, of everything or of the rhythm alone (GAPT §3.4, C.2).

Both read frames, not two sequences of tokens: a frame's melody and chord are embedded by what they are made of.
A rhythm-only net is told nothing but silence, onset or hold, so it cannot prefer a key that augmentation made rare.
"""

from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.encoder import Encoder, EncoderConfig, mean_over
from gapt_core.model.features import chord_identity, pitch_identity, token_rows
from gapt_core.model.policy import BEATS, PLACES, FactorTable
from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.vocabulary import STYLES

RHYTHMS = 3
"""What a rhythm-only net is told of a frame: silence, onset, hold."""


@dataclass(frozen=True)
class JudgeConfig:
    """Which net: `kind` is `contrastive`, `discriminative` or `chords`; `rhythm` strips the pitch."""

    kind: str
    rhythm: bool = False
    encoder: EncoderConfig = field(default_factory=EncoderConfig)

    def to_dict(self) -> dict[str, object]:
        """Plain values, for a manifest."""
        return asdict(self)


class TokenTable(nn.Module):
    """Vectors of a part's tokens; `[tokens, width]`. Rhythm-only: all onsets are one, and all holds."""

    def __init__(self, part: Part, width: int, rhythm: bool) -> None:
        super().__init__()
        rows = _rhythm_rows(part) if rhythm else token_rows(chord_identity() if part is CHORD else pitch_identity())
        self.table = FactorTable(rows, width, 0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        return functional.embedding(tokens, self.table())


class PartEncoder(nn.Module):
    """One part to one unit vector; `[batch, width]`."""

    def __init__(self, part: Part, config: JudgeConfig) -> None:
        super().__init__()
        width = config.encoder.width
        self.embed = TokenTable(part, width, config.rhythm)
        self.encoder = Encoder(config.encoder)
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        pooled = mean_over(self.encoder(self.embed(tokens), valid), valid)
        return functional.normalize(self.head(pooled).float(), dim=-1)


class ContrastiveNet(nn.Module):
    """Two encoders whose vectors are near for parts that belong together (GAPT C.2)."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        self.melody = PartEncoder(MELODY, config)
        self.chord = PartEncoder(CHORD, config)
        self.log_scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def forward(self, melody: Tensor, chord: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Unit vectors of both parts, `[batch, width]` each; tokens and `valid` `[batch, time]`."""
        return self.melody(melody, valid), self.chord(chord, valid)

    def score(self, melody: Tensor, chord: Tensor, valid: Tensor) -> Tensor:
        """The reward: their cosine; `[batch]`."""
        ours, theirs = self(melody, chord, valid)
        return (ours * theirs).sum(-1)


class DiscriminativeNet(nn.Module):
    """One encoder over joint frames that tells real pairs from re-paired ones."""

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        width = config.encoder.width
        self.melody = TokenTable(MELODY, width, config.rhythm)
        self.chord = TokenTable(CHORD, width, config.rhythm)
        self.encoder = Encoder(config.encoder)
        self.head = nn.Linear(width, 1)

    def forward(self, melody: Tensor, chord: Tensor, valid: Tensor) -> Tensor:
        """Logit of "real"; `[batch]`."""
        states = self.encoder(self.melody(melody) + self.chord(chord), valid)
        return self.head(mean_over(states, valid))[:, 0].float()

    def score(self, melody: Tensor, chord: Tensor, valid: Tensor) -> Tensor:
        """The reward: the probability of "real"; `[batch]`."""
        return self(melody, chord, valid).sigmoid()


class PartDiscriminator(nn.Module):
    """Tells one part of the data from the same part as a policy plays it: it never sees the other (GAPT §3.3).

    Where `metre` is set it is told the metre: where in the bar a chord falls belongs to how a chord track goes. It may
    also be told of which kind a track is, a style in one of the two modes: what is dense for a song is not for a
    chorale, and without it a policy may play every song as one. With neither it sees the part alone, as in the paper.
    """

    def __init__(self, part: Part, config: JudgeConfig, dropout: float = 0.1, *, metre: bool = True) -> None:
        super().__init__()
        self.config = config
        width = config.encoder.width
        self.embed = TokenTable(part, width, config.rhythm)
        self.place_in = nn.Embedding(PLACES, width)
        self.bar_in = nn.Embedding(PLACES, width)
        self.beat_in = nn.Embedding(BEATS, width)
        self.kind_in = nn.Embedding(2 * len(STYLES), width)
        self.metre = metre
        for table in (self.place_in, self.bar_in, self.beat_in, self.kind_in):
            nn.init.normal_(table.weight, std=0.1)
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(config.encoder)
        self.head = nn.Linear(width, 1)

    def forward(self, tokens: Tensor, metre: Tensor, kind: Tensor, valid: Tensor) -> Tensor:
        """Logit of "from the data", `[batch]`; all `[batch, time]` but `metre`, `[batch, time, 3]`."""
        # What it is not told is the same everywhere: the tables stay, so that the weights have one layout.
        place, bar, beat = (metre if self.metre else torch.zeros_like(metre)).unbind(-1)
        x = self.embed(tokens) + self.place_in(place.clamp(0, PLACES - 1)) + self.bar_in(bar.clamp(0, PLACES - 1))
        x = x + self.beat_in(beat.clamp(0, BEATS - 1)) + self.kind_in(kind)
        states = self.encoder(self.dropout(x), valid)
        return self.head(self.dropout(mean_over(states, valid)))[:, 0].float()


def build_judge(config: JudgeConfig) -> ContrastiveNet | DiscriminativeNet:
    """The net a configuration describes."""
    return ContrastiveNet(config) if config.kind == "contrastive" else DiscriminativeNet(config)


def _rhythm_rows(part: Part) -> np.ndarray:
    """Rows for silence, any onset, any hold; `[tokens, 3]`."""
    kinds = [0] + [1] * part.count + [2] * part.count
    return np.eye(RHYTHMS, dtype=np.float32)[kinds]
