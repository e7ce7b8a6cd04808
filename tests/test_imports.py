"""Holds the arrows between the packages, and who may import which library, by reading the source."""

from __future__ import annotations

import ast
import sys
from fnmatch import fnmatch
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

ARROWS = {
    "presets": set(),
    "gapt_core": {"presets"},
    "plugin_host": {"presets", "gapt_core"},
    "bridge": {"presets", "gapt_core", "plugin_host"},
}
"""What each package may import besides itself."""

NETS = (
    "gapt_core/model/*",
    "gapt_core/rl/*",
    "gapt_core/train/*",
    "gapt_core/evaluate/*",
    "gapt_core/export/*",
    "gapt_core/experiment/*",
    "gapt_core/finetune/*",
)

LIBRARIES = {
    "aalink": ("bridge/ports/link.py",),
    "click": ("*/cli.py", "bridge/commands/*.py", "gapt_core/commands/*.py"),
    "fastjsonschema": ("presets/manifest.py",),
    "mido": ("bridge/ports/midi_in.py", "bridge/ports/midi_out.py", "gapt_core/data/*"),
    "matplotlib": ("gapt_core/experiment/figures*.py", "gapt_core/finetune/pictures.py", "gapt_core/rl/plot.py"),
    "music21": ("gapt_core/data/*",),
    "numba": ("gapt_core/intake/kernels.py", "gapt_core/kernels.py", "gapt_core/rl/kernels.py"),
    "numpy": ("gapt_core/*", "plugin_host/*", "bridge/*"),
    "platformdirs": (
        "bridge/controls/user_file.py",
        "gapt_core/export/script.py",
        "plugin_host/daw/places.py",
        "presets/store.py",
    ),
    "pythonosc": ("bridge/ports/osc/codec.py",),
    "ray": ("gapt_core/experiment/cluster.py",),
    "rich": ("*/cli.py", "bridge/commands/*.py", "bridge/live/view.py", "gapt_core/commands/*.py"),
    "rtmidi": ("bridge/ports/midi_drivers.py",),
    "rtmidi2": ("bridge/ports/midi_drivers.py",),
    "safetensors": (*NETS, "plugin_host/worker*.py"),
    "scipy": ("gapt_core/experiment/*",),
    "segno": ("bridge/page/process.py",),
    "soundfile": ("gapt_core/intake/audio.py",),
    "starlette": ("bridge/page/guard.py", "bridge/page/server.py"),
    "swift_f0": ("gapt_core/intake/audio.py",),
    "tomlkit": ("bridge/controls/user_file.py",),
    "torch": (*NETS, "plugin_host/worker*.py"),
    "uvicorn": ("bridge/page/process.py",),
    "zeroconf": ("bridge/ports/osc/announce.py",),
}
"""Where each library may be imported. Whatever is not here may not be imported at all."""

DISTRIBUTIONS = {"pythonosc": "python-osc", "rtmidi": "python-rtmidi", "swift_f0": "swift-f0"}
"""Libraries whose distribution has another name."""


def modules(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module
            names.add(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            names.update(arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant))
    return names


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_one_way(package: str) -> None:
    allowed = ARROWS[package] | {package}
    assert modules(package)
    wrong = {str(path.relative_to(ROOT)): tops(path) & set(ARROWS) - allowed for path in modules(package)}
    assert not {path: names for path, names in wrong.items() if names}


@pytest.mark.parametrize("package", ARROWS)
def test_libraries_are_imported_only_where_they_belong(package: str) -> None:
    ours = set(ARROWS) | set(sys.stdlib_module_names)
    assert not [
        f"{path.relative_to(ROOT)} imports {library}"
        for path in modules(package)
        for library in tops(path) - ours
        if not any(fnmatch(path.relative_to(ROOT).as_posix(), place) for place in LIBRARIES.get(library, ()))
    ]


@pytest.mark.parametrize("package", ARROWS)
def test_no_module_is_in_a_circle(package: str) -> None:
    graph = {_dotted(path): imported(path) for path in modules(package)}
    graph = {name: names & set(graph) - {name} for name, names in graph.items()}
    while free := {name for name, names in graph.items() if not names & set(graph)}:
        graph = {name: names for name, names in graph.items() if name not in free}
    assert not graph


def test_every_library_is_declared() -> None:
    declared = {Requirement(line).name for line in requires("gapt-bridge") or ()}
    assert not {DISTRIBUTIONS.get(library, library) for library in LIBRARIES} - declared


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
