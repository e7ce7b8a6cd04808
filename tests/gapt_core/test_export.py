"""A preset gives back the net it was made from, and its compiled step is kept, checked and mended."""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from tiny_policy import TINY, tiny_net, write_policy_preset

from gapt_core.errors import ExportError
from gapt_core.export.load import load_policy
from gapt_core.export.preset import export_preset, weights_bytes
from gapt_core.export.script import DIGEST_BYTES, KEPT_FILES, SUFFIX, agree, cache_folder, compiled_stepper
from gapt_core.model.step import Stepper
from presets.errors import PresetError
from presets.manifest import WEIGHTS
from presets.preset import Preset, write_preset


@pytest.fixture
def preset(tmp_path: Path) -> Preset:
    return write_policy_preset(tmp_path / "tiny")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def rewritten(preset: Preset, folder: Path, weights: bytes | None = None, **changes: object) -> Preset:
    """The same preset with other weights or fields."""
    fields = preset.manifest.to_dict() | changes
    for worked_out in ("format", "name", "parameters", "members"):
        del fields[worked_out]
    members = {name: preset.read(name) for name in preset.manifest.members}
    return write_preset(folder, fields, members | ({WEIGHTS: weights} if weights else {}))


def kept(cache: Path) -> Path:
    (path,) = cache.glob(f"*{SUFFIX}")
    return path


def test_a_preset_gives_back_the_net(preset: Preset) -> None:
    loaded, source = load_policy(preset), tiny_net()
    assert loaded.config == TINY
    assert not loaded.training
    for name, tensor in source.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().float()), name


def test_loading_leaves_the_random_numbers_of_others_alone(preset: Preset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_policy(preset)
    assert torch.equal(torch.rand(3), expected)


def test_equal_weights_give_equal_bytes() -> None:
    assert weights_bytes(tiny_net(3)) == weights_bytes(tiny_net(3)) != weights_bytes(tiny_net(4))


def test_weights_too_large_for_half_precision_are_refused(tmp_path: Path) -> None:
    net = tiny_net()
    with torch.no_grad():
        net.norm[0] = 1e6
    with pytest.raises(ExportError, match="norm"):
        export_preset(net, tmp_path / "tiny", {}, "")
    assert not list(tmp_path.iterdir())


def test_another_vocabulary_is_refused(preset: Preset, tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="update gapt-bridge"):
        load_policy(rewritten(preset, tmp_path / "foreign", vocabulary="0" * 64))


@pytest.mark.parametrize(
    "network",
    [
        {"width": 32},
        {**TINY.to_dict(), "layers": 3},
        {**TINY.to_dict(), "heads": 5},
        {**TINY.to_dict(), "window": 1 << 30},
        {**TINY.to_dict(), "depth": 2},
    ],
)
def test_another_net_is_refused(preset: Preset, tmp_path: Path, network: dict[str, int]) -> None:
    with pytest.raises(PresetError, match="“strange” cannot be played"):
        load_policy(rewritten(preset, tmp_path / "strange", network=network))


def test_weights_that_are_no_numbers_are_refused(preset: Preset, tmp_path: Path) -> None:
    tensors = load(preset.read(WEIGHTS))
    tensors["norm"][0] = float("nan")
    with pytest.raises(PresetError, match="not all finite"):
        load_policy(rewritten(preset, tmp_path / "nan", save(tensors)))


def test_a_flipped_byte_is_refused(preset: Preset) -> None:
    content = bytearray(preset.weights.read_bytes())
    content[-1] ^= 1
    preset.weights.write_bytes(content)
    with pytest.raises(PresetError, match="damaged"):
        load_policy(preset)


def test_the_compiled_step_is_that_of_the_preset(preset: Preset, cache: Path) -> None:
    eager = Stepper(load_policy(preset))
    assert agree(compiled_stepper(preset, cache), eager)
    assert agree(compiled_stepper(preset, cache), eager)
    assert not agree(Stepper(tiny_net(1)), eager)


def test_a_kept_step_is_used_again(preset: Preset, cache: Path) -> None:
    compiled_stepper(preset, cache)
    before = kept(cache).stat()
    assert compiled_stepper(preset, cache).position == 0
    assert kept(cache).stat().st_mtime_ns == before.st_mtime_ns
    assert kept(cache).stat().st_ino == before.st_ino


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "nonsense"])
def test_a_damaged_kept_step_is_compiled_anew(preset: Preset, cache: Path, damage: str) -> None:
    compiled_stepper(preset, cache)
    path = kept(cache)
    sound = path.read_bytes()
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 1
    nonsense = b"no TorchScript"
    wrong = {
        "flipped": bytes(flipped),
        "cut": sound[: len(sound) // 2],
        "empty": b"",
        "nonsense": hashlib.sha256(nonsense).digest() + nonsense,
    }
    path.write_bytes(wrong[damage])
    assert agree(compiled_stepper(preset, cache), Stepper(load_policy(preset)))
    content = kept(cache).read_bytes()
    assert hashlib.sha256(content[DIGEST_BYTES:]).digest() == content[:DIGEST_BYTES]
    assert len(content) == len(sound)


def test_a_kept_step_that_plays_something_else_is_compiled_anew(preset: Preset, tmp_path: Path, cache: Path) -> None:
    compiled_stepper(write_policy_preset(tmp_path / "other", seed=1), cache)
    imposter = kept(cache)
    content = imposter.read_bytes()
    imposter.unlink()
    compiled_stepper(preset, cache)
    kept(cache).write_bytes(content)
    assert agree(compiled_stepper(preset, cache), Stepper(load_policy(preset)))
    assert kept(cache).read_bytes() != content


def test_where_nothing_can_be_kept_the_step_is_compiled_all_the_same(
    preset: Preset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert agree(compiled_stepper(preset, blocked), Stepper(load_policy(preset)))
    assert "GAPT_CACHE" in caplog.text


def test_the_oldest_kept_steps_make_room(preset: Preset, cache: Path) -> None:
    cache.mkdir()
    for age in range(KEPT_FILES + 3):
        path = cache / f"{age}{SUFFIX}"
        path.write_bytes(b"old")
        os.utime(path, (1000 - age, 1000 - age))
    compiled_stepper(preset, cache)
    left = {path.name for path in cache.iterdir()}
    assert len(left) == KEPT_FILES
    assert {f"{age}{SUFFIX}" for age in range(KEPT_FILES - 1)} < left


def test_the_environment_names_the_cache(tmp_path: Path) -> None:
    assert cache_folder({"GAPT_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({}).name


def test_a_config_of_another_size_is_another_net(preset: Preset, tmp_path: Path) -> None:
    wider = replace(TINY, feedforward=64).to_dict()
    with pytest.raises(PresetError, match="not those of the net"):
        load_policy(rewritten(preset, tmp_path / "wider", network=wider))
