"""A training kit is the same in a folder and in a preset, and neither may hold what is not sane."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load, save
from tiny_corpus import write_corpus
from tiny_kit import tiny_kit
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from gapt_core.errors import ExportError, TrainingError
from gapt_core.export.start import find_kit
from gapt_core.rl.kit import Kit, kit_members, load_kit, preset_kit, read_kit, save_kit
from gapt_core.train.policy import load_best
from presets.errors import PresetError
from presets.manifest import KIT
from presets.preset import Preset

Change = Callable[[dict[str, Any]], object]
ANCHOR, JUDGE = "anchor-chord", "contrastive_rhythm-0"


def member(name: str) -> str:
    return f"kit-{name}.safetensors"


def preset_with(members: dict[str, bytes], folder: Path) -> Preset:
    return write_policy_preset(folder, kit=members)


def same_weights(one: Kit, other: Kit) -> bool:
    nets = [{**kit.anchors, **kit.judges} for kit in (one, other)]
    assert nets[0].keys() == nets[1].keys()
    return all(
        torch.equal(tensor.half(), nets[1][name].state_dict()[key].half())
        for name, net in nets[0].items()
        for key, tensor in net.state_dict().items()
    )


def changed(change: Change) -> dict[str, bytes]:
    """The members of a kit whose index was changed."""
    members = kit_members(tiny_kit())
    index = json.loads(members[KIT])
    change(index)
    return members | {KIT: json.dumps(index).encode()}


def spoilt(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> dict[str, bytes]:
    """The members of a kit of which one net's weights were changed."""
    members = kit_members(tiny_kit())
    tensors = load(members[member(name)])
    change(tensors)
    return members | {member(name): save(tensors)}


def test_a_kit_is_the_same_in_a_folder_and_in_a_preset(tmp_path: Path) -> None:
    kit = tiny_kit()
    save_kit(kit, tmp_path / "kit")
    preset = preset_with(kit_members(kit), tmp_path / "presets" / "with-kit")
    preset.verify()
    for again in (load_kit(tmp_path / "kit"), preset_kit(preset)):
        assert same_weights(kit, again)
        assert again.record == {"seed": 0}
        assert kit_members(again) == kit_members(kit)
        assert not any(weight.requires_grad for net in again.judges.values() for weight in net.parameters())
    assert not same_weights(kit, tiny_kit(1))


def test_a_kit_is_found_where_it_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAPT_PRESETS", str(tmp_path / "presets"))
    one, other = tiny_kit(1), tiny_kit(2)
    save_kit(one, tmp_path / "with-kit")
    folder = preset_with(kit_members(other), tmp_path / "presets" / "with-kit").folder
    monkeypatch.chdir(tmp_path)
    assert same_weights(find_kit("./with-kit"), one)
    assert same_weights(find_kit("with-kit"), other)
    assert same_weights(find_kit(str(folder)), other)
    monkeypatch.chdir(tmp_path / "presets")
    assert same_weights(find_kit("./with-kit"), other)


def test_post_training_takes_its_kit_from_a_preset(tmp_path: Path) -> None:
    songs = write_corpus(tmp_path / "songs", songs=2)
    preset = preset_with(kit_members(tiny_kit()), tmp_path / "tiny").folder
    command = ["train", "gapt", "--kit", preset, "--init", preset, "--data", songs, "--out", tmp_path / "run"]
    size = ["--steps", "1", "--rollouts", "2", "--frames", "16", "--adversary", "0"]
    result = CliRunner().invoke(gapt, [str(part) for part in [*command, *size]])
    assert result.exit_code == 0, result.output
    (stage,) = [stage for stage in load_best(tmp_path / "run" / "policy.pt").stages if stage.get("kind") == "gapt"]
    assert stage["kit"] == {"seed": 0}
    assert [entry["name"] for entry in stage["data"]] == ["tiny"]


def test_where_there_is_no_kit_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"holds no whole training kit \(a file is missing.*gapt train kit"):
        find_kit(str(tmp_path / "nowhere"))
    with pytest.raises(PresetError, match="“plain” has no training kit; make one"):
        find_kit(str(write_policy_preset(tmp_path / "plain").folder))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda index: index.update(format=2), "another format"),
        (lambda index: index.update(vocabulary="0" * 64), "another vocabulary"),
        (lambda index: index.pop("record"), "not that of a kit"),
        (lambda index: index.update(record=3), "not that of a kit"),
        (lambda index: index.update(record=[]), "not that of a kit"),
        (lambda index: index.update(record={"judges": 3}), "not that of a kit"),
        (lambda index: index.update(record={"anchors": {"chord": [3]}}), "not that of a kit"),
        (lambda index: index.update(record={"judges": {JUDGE: {"data": 3}}}), "not that of a kit"),
        (lambda index: index.update(record={"judges": {JUDGE: {"data": ["songs"]}}}), "not that of a kit"),
        (lambda index: index.update(record={"judges": {JUDGE: {"data": [{"name": "a"}]}}}), "not that of a kit"),
        (lambda index: index.update(record={"judges": {JUDGE: {"test": {"f1": "high"}}}}), "not that of a kit"),
        (lambda index: index.update(record={"judges": {JUDGE: {"selection": ["all"]}}}), "not that of a kit"),
        (lambda index: index.update(nets=3), "not that of a kit"),
        (lambda index: index["nets"].update({f"n-{n}": {} for n in range(32)}), "more than 32 nets"),
        (lambda index: index["nets"].update(strange=index["nets"][JUDGE] | {"kind": "chords"}), "net strange"),
        (lambda index: index["nets"].update({"../net": index["nets"][JUDGE]}), "cannot name a net"),
        (lambda index: index["nets"].update(lost=index["nets"][JUDGE]), r"no member kit-lost\.safetensors"),
        (lambda index: index["nets"][JUDGE].update(rhythm=1), f"net {JUDGE}"),
        (lambda index: index["nets"][JUDGE].update(rhythm=False), "not those of the net"),
        (lambda index: index["nets"][ANCHOR].update(part="melody"), f"net {ANCHOR}"),
        (lambda index: index["nets"][ANCHOR]["net"].update(layers=1), "not those of the net"),
        (lambda index: index["nets"][ANCHOR]["net"].update(feedforward=1 << 30), "too large"),
        (lambda index: index["nets"][ANCHOR]["encoder"].update(width=1 << 20), "too large"),
        (lambda index: index["nets"][JUDGE]["encoder"].update(layers=17), "too large"),
        (lambda index: index["nets"][JUDGE]["encoder"].update(heads=3), "not divisible"),
        (lambda index: index["nets"][JUDGE]["encoder"].update(heads=True), "another kind"),
        (lambda index: index["nets"][JUDGE]["encoder"].update(layers=0), "another kind"),
        (lambda index: index["nets"][JUDGE]["encoder"].update(window=8), "another kind"),
    ],
)
def test_an_index_that_is_not_sane_is_refused(tmp_path: Path, change: Change, reason: str) -> None:
    members = changed(change)
    with pytest.raises(PresetError, match=rf"“odd” .*{reason}"):
        preset_kit(preset_with(members, tmp_path / "odd"))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 100_000, b" " * (1 << 20) + b"{}"])
def test_an_index_that_cannot_be_read_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"kit\.json|Expecting|decode|JSON"):
        read_kit((kit_members(tiny_kit()) | {KIT: text}).__getitem__)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tensors: tensors["head.bias"].fill_(torch.inf), "not all finite"),
        (lambda tensors: tensors.update({"head.bias": torch.zeros(1, dtype=torch.int64)}), "not all finite"),
        (lambda tensors: tensors.update({"head.bias": torch.zeros(2)}), "not those of the net"),
        (lambda tensors: tensors.pop("head.bias"), "not those of the net"),
    ],
)
def test_weights_that_are_not_sane_are_refused(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], reason: str
) -> None:
    members = spoilt("discriminative-0", change)
    with pytest.raises(PresetError, match=reason):
        preset_kit(preset_with(members, tmp_path / "spoilt"))
    with pytest.raises(ValueError, match=reason):
        read_kit(members.__getitem__)


def test_what_is_no_safetensors_is_refused() -> None:
    members = kit_members(tiny_kit()) | {member(JUDGE): b"pickle"}
    with pytest.raises(ValueError, match="not safetensors"):
        read_kit(members.__getitem__)


def test_weights_too_large_for_half_precision_make_no_kit(tmp_path: Path) -> None:
    kit = tiny_kit()
    with torch.no_grad():
        kit.judges[JUDGE].log_scale.fill_(1e6)
    with pytest.raises(ExportError, match="log_scale"):
        save_kit(kit, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_flipped_byte_of_a_kit_is_found(tmp_path: Path) -> None:
    preset = preset_with(kit_members(tiny_kit()), tmp_path / "tiny")
    path = preset.folder / member(JUDGE)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    for use in (preset.verify, lambda: preset_kit(preset)):
        with pytest.raises(PresetError, match="is damaged"):
            use()


@pytest.mark.parametrize("lost", [member(JUDGE), KIT])
def test_half_a_kit_is_found(tmp_path: Path, lost: str) -> None:
    members = kit_members(tiny_kit())
    del members[lost]
    with pytest.raises(PresetError, match=r"does not fit its index \(kit-contrastive|no member kit\.json"):
        preset_with(members, tmp_path / "tiny").verify()


def test_an_index_without_nets_is_found(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="not the index of a training kit"):
        preset_with(kit_members(tiny_kit()) | {KIT: b"{}"}, tmp_path / "tiny").verify()
