"""The training kit: the anchor and the reward nets that post-training needs, as one folder of data.

`kit.json` names the nets and their dimensions; each net is a `.safetensors` in half precision beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from gapt_core.errors import TrainingError
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.policy import PolicyConfig
from gapt_core.model.rewards import JudgeConfig, build_judge
from gapt_core.parts import PARTS, Part
from gapt_core.rl.coherence import Judge
from gapt_core.vocabulary import fingerprint
from presets.files import write_atomically

INDEX = "kit.json"


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


def save_kit(kit: Kit, folder: Path) -> None:
    """Write the kit; the index last, so that a kit with an index is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    nets: dict[str, dict[str, Any]] = {}
    for part, anchor in kit.anchors.items():
        described = {"kind": "anchor", "part": part, "net": anchor.config.to_dict()}
        nets[f"anchor-{part}"] = described | {"encoder": anchor.encoder.config.to_dict()}
    nets |= {name: judge.config.to_dict() for name, judge in kit.judges.items()}
    for name, net in [(f"anchor-{part}", net) for part, net in kit.anchors.items()] + list(kit.judges.items()):
        write_atomically(folder / f"{name}.safetensors", half_bytes(net))
    index = {"format": 1, "vocabulary": fingerprint(), "nets": nets, "record": kit.record}
    write_atomically(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())


def load_kit(folder: Path) -> Kit:
    """The kit in `folder`.

    Raises:
        TrainingError: there is none, it is damaged, or of another vocabulary.
    """
    try:
        index = json.loads((folder / INDEX).read_text("utf-8"))
        if index["vocabulary"] != fingerprint():
            raise TrainingError(f"The kit in {folder} is of another vocabulary: train one with this version.")
        nets = {name: _load(described, folder / f"{name}.safetensors") for name, described in index["nets"].items()}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise TrainingError(f"{folder} holds no whole training kit; make one with `gapt train kit`.") from error
    anchors = {net.part.name: net for net in nets.values() if isinstance(net, AnchorNet)}
    judges = {name: net for name, net in nets.items() if not isinstance(net, AnchorNet)}
    return Kit(anchors, judges, index["record"])


def half_bytes(net: nn.Module) -> bytes:
    """The weights as safetensors in half precision."""
    return save({name: tensor.detach().cpu().half().contiguous() for name, tensor in net.state_dict().items()})


def _load(described: dict[str, Any], path: Path) -> AnchorNet | Judge:
    with torch.random.fork_rng(devices=[]):
        net = _build(described)
    tensors = load(path.read_bytes())
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError(f"{path.name} holds weights that are no numbers")
    net.load_state_dict(tensors)
    return net.requires_grad_(False).eval()


def _build(described: dict[str, Any]) -> AnchorNet | Judge:
    encoder = EncoderConfig(**described["encoder"])
    if described["kind"] == "anchor":
        return AnchorNet(PolicyConfig(**described["net"]), encoder, PARTS[described["part"]])
    return build_judge(JudgeConfig(described["kind"], described["rhythm"], encoder))
