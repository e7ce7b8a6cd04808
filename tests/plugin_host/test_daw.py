"""What lives inside hosts: that it ships, and that what is said of it is so."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import click
import pytest

from bridge.cli import gapt
from bridge.controls.parameters import FASTEST_BPM, SLOWEST_BPM
from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.reaper import Reaper
from plugin_host.daw.hosts import HOSTS

ROOT = Path(__file__).parents[2]
DAW = ROOT / "plugin_host" / "daw"
PAGES = [*sorted((ROOT / "docs" / "hosts").glob("*.md")), ROOT / "docs" / "osc-plugin.md", *sorted(DAW.rglob("*.md"))]
PATTERNS = DAW / "reaper" / "GAPT.ReaperOSC"

COUNTS = {f"DEVICE_{name}_COUNT" for name in ("TRACK", "SEND", "RECEIVE", "FX", "FX_PARAM", "FX_INST_PARAM")}
CHOICES = {
    "REAPER_TRACK_FOLLOWS": {"REAPER", "DEVICE"},
    "DEVICE_TRACK_FOLLOWS": {"DEVICE", "LAST_TOUCHED"},
    "DEVICE_TRACK_BANK_FOLLOWS": {"DEVICE", "MIXER"},
    "DEVICE_FX_FOLLOWS": {"DEVICE", "LAST_TOUCHED", "FOCUSED"},
    "DEVICE_EQ": {"INSERT", "EXISTING"},
    "DEVICE_ROTARY_CENTER": {"0", "0.5"},
}
ACTIONS = {
    "TIME": {"f/time", "s/time/str"},
    "BEAT": {"s/beat/str"},
    "SAMPLES": {"f/samples", "s/samples/str"},
    "FRAMES": {"s/frames/str"},
    "METRONOME": {"t/click"},
    "REPEAT": {"t/repeat"},
    "RECORD": {"t/record"},
    "STOP": {"t/stop"},
    "PLAY": {"t/play"},
    "PAUSE": {"t/pause"},
    "TEMPO": {"n/tempo", "f/tempo/raw", "r/tempo/rotary", "s/tempo/str"},
}
"""Of REAPER's default pattern file, what concerns the transport. A name unknown to REAPER spoils the whole file."""


def settings() -> dict[str, list[str]]:
    """Names and words of the lines of our pattern file, comments left out."""
    lines = [line.split() for line in PATTERNS.read_text("ascii").splitlines() if line and not line.startswith("#")]
    assert len({name for name, *_ in lines}) == len(lines)
    return {name: words for name, *words in lines}


def test_reaper_reads_every_line_of_its_pattern_file() -> None:
    for name, words in settings().items():
        if name in COUNTS:
            assert len(words) == 1 and words[0].isdecimal()
        elif name in CHOICES:
            assert len(words) == 1 and words[0] in CHOICES[name]
        else:
            assert words and set(words) <= ACTIONS[name]


def test_reaper_tells_nothing_that_floods() -> None:
    told = settings()
    assert not told.keys() & {"SAMPLES", "FRAMES"}
    assert {told[name][0] for name in COUNTS} == {"0"}
    assert sum(len(told.get(name, [])) for name in ("TIME", "BEAT")) == 2


def test_the_bridge_understands_what_reaper_tells_by_it() -> None:
    values = {"TIME": [2.5], "BEAT": ["2.3.50"], "TEMPO": [97.5], "PLAY": [1.0], "STOP": [1.0], "PAUSE": [1.0]}
    told = settings()
    reports = {}
    for name, arguments in values.items():
        (pattern,) = told[name]
        reports[name] = Reaper().read(1.0, [Message(pattern[1:], tuple(arguments))])
    assert reports == {
        "TIME": HostReport(1.0, "reaper", song_seconds=2.5),
        "BEAT": HostReport(1.0, "reaper", bar=(1, 2.5)),
        "TEMPO": HostReport(1.0, "reaper", bpm=97.5),
        "PLAY": HostReport(1.0, "reaper", playing=True),
        "STOP": HostReport(1.0, "reaper", playing=False),
        "PAUSE": HostReport(1.0, "reaper", playing=False),
    }
    assert SLOWEST_BPM < 97.5 < FASTEST_BPM


def test_all_of_it_ships() -> None:
    listed = re.search(r"^plugin_host = \[(.+)\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert listed
    globs = [glob.replace("**/", "*") for glob in re.findall(r'"(.+?)"', listed[1])]
    files = [path.relative_to(ROOT / "plugin_host").as_posix() for path in DAW.rglob("*.*")]
    files = [file for file in files if not file.endswith((".py", ".pyc"))]
    assert len(files) >= 9
    assert not [file for file in files if not any(fnmatch(file, glob) for glob in globs)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", page.read_text("utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_options_it_names_are_there(page: Path) -> None:
    for words in re.findall(r"`gapt (\w[^`]*)`", page.read_text("utf-8")):
        found: click.Command | None = gapt
        rest = words.split()
        while isinstance(found, click.Group):
            found = found.get_command(click.Context(found), rest.pop(0))
        assert found is not None, words
        known = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)}
        assert not set(re.findall(r"--[\w-]+", words)) - known


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "hosts").glob("*.md")), ids=lambda path: path.stem)
def test_a_host_has_three_steps_a_picture_and_three_troubles(page: Path) -> None:
    text = page.read_text("utf-8")
    assert re.findall(r"^!\[.+\]\((.+)\)$", text, re.MULTILINE) == [f"{page.stem}.svg"]
    for way in re.split(r"^## ", text, flags=re.MULTILINE):
        assert re.findall(r"^(\d)\. ", way, re.MULTILINE) == ["1", "2", "3"]
        assert len(re.findall(r"^\* \*\*", way.partition("What usually goes wrong:")[2], re.MULTILINE)) == 3


@pytest.mark.parametrize("name", HOSTS)
def test_the_readme_of_a_host_says_what_was_checked_and_what_was_not(name: str) -> None:
    text = (DAW / HOSTS[name].ours / "README.md").read_text("utf-8")
    _, _, checked = text.partition("**What was checked.**")
    assert re.search(r"\b(not|Not) (been )?(run|opened)\b|was not run", checked)


def test_what_a_readme_says_of_reapers_folders_is_where_files_go() -> None:
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)`", (DAW / "reaper" / "README.md").read_text("utf-8"), re.MULTILINE)
    host = HOSTS["reaper"]
    assert dict(rows) == {file.name: part.folder for part in host.parts for file in host.files(part)}
