"""Documents that say what the code says."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def test_the_command_reference_is_what_help_says() -> None:
    # In a process of its own: a command remembers the help option of the first context that it was used in.
    program = "import runpy, sys; sys.stdout.write(runpy.run_path('docs/make_commands.py')['page']())"
    command = [sys.executable, "-X", "utf8", "-c", program]
    page = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    assert (ROOT / "docs" / "commands.md").read_text("utf-8") == page, "run: python docs/make_commands.py"


def test_the_training_page_and_the_readme_show_the_figures_of_what_ships() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "make_training.py"))
    assert (ROOT / "docs" / "training.md").read_text("utf-8") == script["page"](), "run: python docs/make_training.py"
    assert (ROOT / "README.md").read_text("utf-8") == script["readme"](), "run: python docs/make_training.py"


def test_the_readme_has_its_two_commands() -> None:
    blocks = re.findall(r"<!-- command: (\w+) -->\n```sh\n(.+)\n```\n", (ROOT / "README.md").read_text("utf-8"))
    assert [name for name, _ in blocks] == ["demo", "test"]
    assert dict(blocks)["test"].endswith("-m pytest")


def test_every_dependency_is_explained() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    names = {Requirement(line).name for line in requires("gapt-bridge") or ()}
    assert names
    assert not [name for name in sorted(names) if f"| {name} |" not in text]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_our_own_files_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", document.read_text("utf-8"))
    assert not [link for link in links if not (document.parent / link).exists()]


def test_the_architecture_names_only_what_is_there() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    places = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text)
    assert len(places) > 20
    assert not [place for place in places if not (ROOT / place).exists()]
