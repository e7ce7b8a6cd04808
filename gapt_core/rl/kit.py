"""The training kit: the anchor and the reward nets that post-training needs, as data.

`kit.json` names the nets and their dimensions; `kit-NAME.safetensors` are their weights in half precision. A kit rides
along in a preset, as members of it, or stands in a folder of its own, where the weights are called `NAME.safetensors`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gapt_core.errors import TrainingError
from gapt_core.export.load import sane_dimensions, with_weights
from gapt_core.export.preset import weights_bytes
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.policy import PolicyConfig
from gapt_core.model.rewards import JudgeConfig, build_judge
from gapt_core.parts import PARTS, Part
from gapt_core.rl.coherence import Judge
from gapt_core.vocabulary import fingerprint
from presets.errors import PresetError
from presets.files import write_atomically
from presets.manifest import KIT, KIT_PREFIX
from presets.preset import NAME, Preset

FORMAT = 1
MAX_INDEX_BYTES = 1 << 20
MOST_NETS = 32
"""A kit of unknown origin must not ask for all memory."""

GROUPS = ("anchors", "judges")
"""What a record tells of: of each net of a group, by name, the last stage of its training."""

ENCODER = ("width", "layers", "heads", "feedforward")
JUDGES = ("contrastive", "discriminative")


@dataclass(frozen=True)
class Kit:
    """Frozen nets: `anchors` by the part they answer with, `judges` by `KIND-SEED`; `record` says where from."""

    anchors: dict[str, AnchorNet]
    judges: dict[str, Judge]
    record: dict[str, Any]

    def anchor(self, part: Part) -> AnchorNet:
        """The anchor of `part`.

        Raises:
            TrainingError: the kit has none.
        """
        if part.name not in self.anchors:
            raise TrainingError(f"The kit has no anchor for the {part.name} part; train one with `gapt train anchor`.")
        return self.anchors[part.name]

    def origins(self) -> dict[str, dict[str, Any]]:
        """By name of each net the last stage of its training; empty where the record does not tell."""
        anchors, judges = (self.record.get(group, {}) for group in GROUPS)
        told = {_anchor_name(part): anchors.get(part, {}) for part in self.anchors}
        return told | {name: judges.get(name, {}) for name in self.judges}


def kit_members(kit: Kit) -> dict[str, bytes]:
    """Content by name of member, `kit.json` last; equal kits give equal bytes.

    Raises:
        ExportError: a weight is not finite in half precision.
    """
    anchors = {_anchor_name(part): net for part, net in kit.anchors.items()}
    described = {name: _described(net) for name, net in anchors.items()}
    described |= {name: judge.config.to_dict() for name, judge in kit.judges.items()}
    index = {"format": FORMAT, "vocabulary": fingerprint(), "nets": described, "record": kit.record}
    members = {_member(name): weights_bytes(net) for name, net in [*anchors.items(), *kit.judges.items()]}
    return members | {KIT: (json.dumps(index, indent=1) + "\n").encode()}


def read_kit(read: Callable[[str], bytes]) -> Kit:
    """The kit whose members `read` gives, ready to judge: no gradients.

    Raises:
        ValueError: it is damaged, of another vocabulary or not of this version; the reason, as part of a sentence.
    """
    try:
        index = _parsed(read(KIT))
        nets = {name: with_weights(_build(name, index["nets"][name]), read(_member(name))) for name in index["nets"]}
        anchors = {net.part.name: net for net in nets.values() if isinstance(net, AnchorNet)}
        judges = {name: net for name, net in nets.items() if not isinstance(net, AnchorNet)}
        return Kit(anchors, judges, _sane_record(index["record"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"its {KIT} is not that of a kit") from error


def save_kit(kit: Kit, folder: Path) -> None:
    """Write the kit; the index last, so that a kit with an index is whole.

    Raises:
        ExportError: a weight is not finite in half precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for member, content in kit_members(kit).items():
        write_atomically(folder / member.removeprefix(KIT_PREFIX), content)


def load_kit(folder: Path) -> Kit:
    """The kit in `folder`.

    Raises:
        TrainingError: there is none, it is damaged, or of another vocabulary.
    """
    try:
        return read_kit(lambda member: (folder / member.removeprefix(KIT_PREFIX)).read_bytes())
    except (OSError, ValueError) as error:
        reason = "a file is missing or cannot be read" if isinstance(error, OSError) else error
        raise TrainingError(
            f"{folder} holds no whole training kit ({reason}); make one with `gapt train kit`, or name a preset that "
            "has one."
        ) from error


def preset_kit(preset: Preset) -> Kit:
    """The kit in `preset`, its members checked as they are read.

    Raises:
        PresetError: it has none, or one that is damaged or of another vocabulary.
    """
    if KIT not in preset.manifest.members:
        raise PresetError(f"Preset “{preset.name}” has no training kit; make one with `gapt train kit`.")
    try:
        return read_kit(preset.read)
    except ValueError as error:
        raise PresetError(
            f"The training kit of preset “{preset.name}” cannot be used: {error}; update gapt-bridge or install the "
            "preset again."
        ) from error


def _parsed(text: bytes) -> dict[str, Any]:
    if len(text) > MAX_INDEX_BYTES:
        raise ValueError(f"its {KIT} is larger than {MAX_INDEX_BYTES} bytes")
    index: dict[str, Any] = json.loads(text)
    if index["format"] != FORMAT:
        raise ValueError(f"its {KIT} is of another format than {FORMAT}")
    if index["vocabulary"] != fingerprint():
        raise ValueError("it was trained with another vocabulary")
    if len(index["nets"]) > MOST_NETS:
        raise ValueError(f"it has more than {MOST_NETS} nets")
    return index


def _sane_record(record: dict[str, Any]) -> dict[str, Any]:
    """`record`, where it is one that cards and manifests can be written from; else what is raised is in `read_kit`."""
    stages = [stage for group in GROUPS for stage in record.get(group, {}).values()]
    entries = [entry for stage in stages for entry in stage.get("data", [])]
    kinds: list[tuple[Any, type | tuple[type, ...]]] = [(record, dict)]
    kinds += [(stage.get("selection", ""), str) for stage in stages]
    kinds += [(score, (int, float)) for stage in stages for score in stage.get("test", {}).values()]
    kinds += [(entry[name], str) for entry in entries for name in ("name", "licence")]
    kinds += [(entry["songs"], int) for entry in entries]
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise TypeError("a record tells of nets by name")
    return record


def _described(anchor: AnchorNet) -> dict[str, Any]:
    net, encoder = anchor.config.to_dict(), anchor.encoder.config.to_dict()
    return {"kind": "anchor", "part": anchor.part.name, "net": net, "encoder": encoder}


def _build(name: str, described: dict[str, Any]) -> AnchorNet | Judge:
    encoder = EncoderConfig(**sane_dimensions(described["encoder"], ENCODER))
    kind = described["kind"]
    with torch.random.fork_rng(devices=[]):
        if kind == "anchor" and name == _anchor_name(described["part"]):
            config = PolicyConfig(**sane_dimensions(described["net"]))
            return AnchorNet(config, encoder, PARTS[described["part"]])
        if kind in JUDGES and isinstance(described["rhythm"], bool):
            return build_judge(JudgeConfig(kind, described["rhythm"], encoder))
    raise ValueError(f"its net {name} is of a kind that this version does not know")


def _anchor_name(part: str) -> str:
    return f"anchor-{part}"


def _member(name: str) -> str:
    """Name of a net's member; a name from a file must not lead out of the kit."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a net")
    return f"{KIT_PREFIX}{name}.safetensors"
