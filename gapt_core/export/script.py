"""TorchScript of the step: compiled from a preset's weights on this machine, kept, and checked against eager.

What is kept is ours alone: a preset brings weights, never code. A kept file is 32 bytes of SHA-256, then
TorchScript; its name is a hash of the weights, of torch's version and of the sources it was compiled from.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import torch

from gapt_core.errors import ExportError
from gapt_core.export.load import load_policy
from gapt_core.model import policy, step
from gapt_core.model.policy import HIDDEN
from gapt_core.model.step import Stepper
from gapt_core.vocabulary import CHORD_TOKENS, MELODY_TOKENS, STYLES
from presets.files import write_atomically
from presets.preset import Preset

ENVIRONMENT = "GAPT_CACHE"
KEPT_FILES = 8
SUFFIX = ".torchscript"
DIGEST_BYTES = 32
TOLERANCE = 1e-3
"""Largest difference of a logit that counts as agreement; single precision leaves about 1e-5."""

logger = logging.getLogger(__name__)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where compiled steps are kept: `GAPT_CACHE` where it is set, else the platform's folder for caches."""
    override = environment.get(ENVIRONMENT)
    return Path(override) if override else platformdirs.user_cache_path("gapt-bridge", appauthor=False)


def compiled_stepper(preset: Preset, folder: Path | None = None) -> torch.jit.ScriptModule:
    """The compiled step of `preset`, at frame 0: the kept one where it is sound, else compiled and kept.

    Args:
        folder: where compiled steps are kept; by default `cache_folder()`.

    Raises:
        PresetError: the preset cannot be loaded.
        ExportError: the compiled step does not do what the eager one does.
    """
    eager = Stepper(load_policy(preset)).eval()
    path = (folder or cache_folder()) / (_key(preset.weights_sha256) + SUFFIX)
    kept = _read(path)
    if kept is not None and agree(kept, eager):
        return kept
    compiled = compile_stepper(eager)
    if not agree(compiled, eager):
        raise ExportError(
            f"TorchScript of torch {torch.__version__} plays “{preset.name}” wrongly: install another version of torch."
        )
    _keep(compiled, path)
    return compiled


def compile_stepper(stepper: Stepper) -> torch.jit.ScriptModule:
    """TorchScript of `stepper`.

    Raises:
        ExportError: this version of torch cannot compile it.
    """
    try:
        with _without_farewell():
            return torch.jit.script(stepper)
    except (RuntimeError, OSError) as error:
        logger.debug("TorchScript refused the step", exc_info=True)
        raise ExportError(
            f"TorchScript of torch {torch.__version__} cannot compile the policy: install another version of torch."
        ) from error


@torch.inference_mode()
def agree(one: Any, other: Any, steps: int = 6) -> bool:
    """Whether two steppers say the same on random frames, a rewind among them; both end at frame 0."""
    random = torch.Generator().manual_seed(0)
    same = True
    for stepper in (one, other):
        stepper.reset()
    for count in range(2 * steps):
        if count == steps:
            one.rewind(steps // 2)
            other.rewind(steps // 2)
        frame = _random_frame(random)
        pairs = zip(one.step(*frame), other.step(*frame), strict=True)
        same = same and all(torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE) for a, b in pairs)
    for stepper in (one, other):
        stepper.reset()
    return same


def _random_frame(random: torch.Generator) -> tuple[torch.Tensor, ...]:
    sizes = (MELODY_TOKENS, CHORD_TOKENS, HIDDEN + 1)
    melody, chord, now = (torch.randint(size, (1,), generator=random) for size in sizes)
    metre = torch.tensor([[int(torch.randint(16, (1,), generator=random)), 16, 4]])
    return melody, chord, now, metre, torch.randint(len(STYLES), (1,), generator=random)


def _key(weights_sha256: str) -> str:
    digest = hashlib.sha256(f"{weights_sha256} {torch.__version__} ".encode())
    for module in (policy, step):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> torch.jit.ScriptModule | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
        logger.info("%s is damaged and will be compiled anew", path)
        return None
    try:
        with _without_farewell():
            return torch.jit.load(io.BytesIO(content[DIGEST_BYTES:]), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        logger.info("%s cannot be loaded (%s) and will be compiled anew", path, error)
        return None


def _keep(compiled: torch.jit.ScriptModule, path: Path) -> None:
    buffer = io.BytesIO()
    with _without_farewell():
        torch.jit.save(compiled, buffer)
    content = buffer.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, hashlib.sha256(content).digest() + content)
        _forget_oldest(path.parent)
    except OSError as error:
        logger.warning("The compiled policy cannot be kept in %s (%s); set %s.", path.parent, error, ENVIRONMENT)


def _forget_oldest(folder: Path) -> None:
    files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[KEPT_FILES:]:
        with contextlib.suppress(OSError):
            file.unlink()


@contextlib.contextmanager
def _without_farewell() -> Iterator[None]:
    """Silence the one warning in which torch announces the end of TorchScript, and no other."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\..*` is deprecated", DeprecationWarning)
        yield
