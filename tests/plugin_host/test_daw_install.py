"""What lives inside hosts gets there: the folders of three systems, and a user's own work that stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pd_patch import PD, errors

from bridge.cli import gapt
from plugin_host.daw.hosts import HOSTS, OURS, Host, host_of
from plugin_host.daw.installer import Deed, Ledger, State, bases, digest_of, install, items, state_of, targets
from plugin_host.daw.places import System, SystemName
from plugin_host.errors import HostError

USUAL: dict[tuple[str, SystemName], str] = {
    ("max", "macos"): "Documents/Max 9",
    ("max", "windows"): "Documents/Max 9",
    ("live", "macos"): "Music/Ableton/User Library",
    ("live", "windows"): "Documents/Ableton/User Library",
    ("pd", "macos"): "Library/Pd",
    ("pd", "windows"): "AppData/Roaming/Pd",
    ("pd", "linux"): ".local/lib/pd/extra",
    ("reaper", "macos"): "Library/Application Support/REAPER",
    ("reaper", "windows"): "AppData/Roaming/REAPER",
    ("reaper", "linux"): ".config/REAPER",
    ("ardour", "macos"): "Library/Preferences/Ardour8",
    ("ardour", "windows"): "AppData/Local/ardour8",
    ("ardour", "linux"): ".config/ardour8",
    ("bitwig", "macos"): "Documents/Bitwig Studio/Controller Scripts",
    ("bitwig", "windows"): "Documents/Bitwig Studio/Controller Scripts",
    ("bitwig", "linux"): "Bitwig Studio/Controller Scripts",
    ("touchosc", "macos"): "Documents/GAPT Bridge",
    ("touchosc", "windows"): "Documents/GAPT Bridge",
    ("touchosc", "linux"): "Documents/GAPT Bridge",
    ("open-stage-control", "macos"): "Documents/GAPT Bridge",
    ("open-stage-control", "windows"): "Documents/GAPT Bridge",
    ("open-stage-control", "linux"): "Documents/GAPT Bridge",
}
"""Each host's own folder, below the user's home."""

SYSTEMS: tuple[SystemName, ...] = ("macos", "windows", "linux")

KILLED = """
import os, signal, sys
from pathlib import Path
from plugin_host.daw.hosts import HOSTS
from plugin_host.daw.installer import Ledger, install, items
from plugin_host.daw.places import System
home, wait = Path(sys.argv[1]), int(sys.argv[2])
system = System.of("linux", home, {}, home / "data")
calls = iter(range(wait + 1))
def fsync(handle):
    if next(calls) == wait:
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
list(install(items(HOSTS["pd"], [home / "pd"]), Ledger.of(system)))
"""
"""Installs Pd's part, and is killed at the `wait`-th time that bytes go to the disk."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def system_of(name: SystemName, home: Path, **environment: str) -> System:
    return System.of(name, home, environment, home / "data")


def installed(host: Host, system: System, to: Path | None = None, force: bool = False) -> list[Deed]:
    ledger = Ledger.of(system)
    return list(install(items(host, targets(host, system, ledger, to)), ledger, force))


def states(host: Host, system: System) -> list[State]:
    ledger = Ledger.of(system)
    return [state_of(item, ledger) for item in items(host, targets(host, system, ledger))]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def earlier(host: Host, system: System, text: bytes = b"of an earlier version") -> list[Path]:
    """All files of `host` installed as an earlier version of ours would have."""
    ledger = Ledger.of(system)
    paths = []
    for item in items(host, targets(host, system, ledger)):
        ledger.add(item, digest_of(text))
        item.target.parent.mkdir(parents=True, exist_ok=True)
        item.target.write_bytes(text)
        paths.append(item.target)
    return paths


# --- the table


def test_every_file_of_ours_goes_somewhere_and_all_go_once() -> None:
    gone = [file for host in HOSTS.values() for part in host.parts for file in host.files(part)]
    ours = [path for path in OURS.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc", ".md")]
    assert sorted(gone) == sorted(ours)


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_has_something_in_each_part_and_says_what_then(name: str) -> None:
    host = HOSTS[name]
    assert all(host.files(part) for part in host.parts)
    assert host.after.endswith(".") and "  " not in host.after
    assert any(host.bases.values())


@pytest.mark.parametrize(("name", "system"), USUAL, ids=[f"{name}-{system}" for name, system in USUAL])
def test_files_go_into_the_usual_folder_of_the_system(name: str, system: SystemName, home: Path) -> None:
    folder = home / USUAL[name, system]
    folder.mkdir(parents=True)
    deeds = installed(HOSTS[name], system_of(system, home))
    assert {deed.state for deed in deeds} == {"missing"}
    assert all(deed.written for deed in deeds)
    assert sorted(digest_of(content) for content in contents(folder).values()) == sorted(
        digest_of(deed.item.source.read_bytes()) for deed in deeds
    )
    assert all(path.is_relative_to(folder) or path.name == "daw.json" for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize(("name", "system"), [(n, s) for n in HOSTS for s in SYSTEMS if (n, s) not in USUAL])
def test_where_a_host_does_not_run_a_sentence_says_so(name: str, system: SystemName, home: Path) -> None:
    with pytest.raises(HostError, match=r"runs on macOS and Windows only: .* --to FOLDER\.$"):
        targets(HOSTS[name], system_of(system, home), Ledger(home / "none"))


@pytest.mark.parametrize(
    ("name", "system", "variable"),
    [
        ("reaper", "windows", "APPDATA"),
        ("pd", "windows", "APPDATA"),
        ("ardour", "windows", "LOCALAPPDATA"),
        ("reaper", "linux", "XDG_CONFIG_HOME"),
        ("ardour", "linux", "XDG_CONFIG_HOME"),
    ],
)
def test_the_environment_says_where_settings_are(name: str, system: SystemName, variable: str, home: Path) -> None:
    moved = home / "elsewhere"
    (moved / Path(USUAL[name, system]).name).mkdir(parents=True)
    (home / USUAL[name, system]).mkdir(parents=True)
    deeds = installed(HOSTS[name], system_of(system, home, **{variable: str(moved)}))
    assert deeds and all(deed.item.target.is_relative_to(moved) for deed in deeds)


def test_a_version_is_no_pattern_to_people(home: Path) -> None:
    with pytest.raises(HostError, match=r"Max …: start Max once"):
        targets(HOSTS["max"], system_of("macos", home), Ledger(home / "none"))


def test_documents_that_were_moved_are_found_where_the_system_says(home: Path) -> None:
    documents = home / "OneDrive" / "Documents"
    (documents / "Max 9").mkdir(parents=True)
    system = System.of("windows", home, {}, home / "data", documents)
    assert targets(HOSTS["max"], system, Ledger.of(system)) == [documents / "Max 9"]


def test_every_version_that_is_there_gets_its_own(home: Path) -> None:
    for version in ("Max 8", "Max 9", "Max Stuff"):
        (home / "Documents" / version).mkdir(parents=True)
    deeds = installed(HOSTS["max"], system_of("macos", home))
    assert {deed.item.base.name for deed in deeds} == {"Max 8", "Max 9"}


# --- what is there already


def test_a_second_time_changes_nothing(home: Path) -> None:
    system = system_of("linux", home)
    installed(HOSTS["pd"], system)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    again = installed(HOSTS["pd"], system)
    assert [(deed.state, deed.written) for deed in again] == [("installed", False)] * len(again)
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


def test_an_earlier_version_is_brought_up_to_date(home: Path) -> None:
    system = system_of("linux", home)
    paths = earlier(HOSTS["pd"], system)
    assert set(states(HOSTS["pd"], system)) == {"outdated"}
    assert all(deed.written for deed in installed(HOSTS["pd"], system))
    assert set(states(HOSTS["pd"], system)) == {"installed"}
    assert all(path.read_bytes() != b"of an earlier version" for path in paths)


def test_what_a_user_has_changed_is_kept_unless_forced(home: Path) -> None:
    system = system_of("linux", home)
    mine = earlier(HOSTS["pd"], system)[0]
    mine.write_bytes(b"my own work")
    deeds = installed(HOSTS["pd"], system)
    assert [(deed.item.target, deed.state) for deed in deeds if not deed.written] == [(mine, "changed")]
    assert mine.read_bytes() == b"my own work"
    assert all(deed.written == (deed.item.target == mine) for deed in installed(HOSTS["pd"], system, force=True))
    assert set(states(HOSTS["pd"], system)) == {"installed"}


def test_a_file_that_was_there_before_us_is_somebodys_work(home: Path) -> None:
    mine = home / ".local/lib/pd/extra/gapt/gapt.pd"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    installed(HOSTS["pd"], system_of("linux", home))
    assert mine.read_bytes() == b"mine"


def test_a_file_of_ours_copied_by_hand_is_known_and_brought_up_to_date_later(home: Path) -> None:
    system = system_of("linux", home)
    (item, *_) = items(HOSTS["pd"], [home / ".local/lib/pd/extra"])
    item.target.parent.mkdir(parents=True)
    item.target.write_bytes(item.source.read_bytes())
    installed(HOSTS["pd"], system)
    later = replace(item, source=home / "newer.pd")
    later.source.write_bytes(b"newer")
    assert state_of(later, Ledger.of(system)) == "outdated"


def test_a_dry_run_touches_nothing(home: Path) -> None:
    system = system_of("linux", home)
    earlier(HOSTS["pd"], system)[0].write_bytes(b"mine")
    before = contents(home)
    ledger = Ledger.of(system)
    deeds = list(install(items(HOSTS["pd"], targets(HOSTS["pd"], system, ledger)), ledger, force=True, dry_run=True))
    assert all(deed.written for deed in deeds)
    assert contents(home) == before


def test_a_damaged_ledger_makes_nobodys_work_ours(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    system = system_of("linux", home)
    paths = earlier(HOSTS["pd"], system)
    for damage in ("", "[]", '{"format": 2, "files": {}}', '{"format": 1, "files": {"x": 1}}', "\udcff"):
        (system.data / "daw.json").write_text(damage, "utf-8", "surrogateescape")
        assert set(states(HOSTS["pd"], system)) == {"changed"}
        assert "is damaged" in caplog.text
        caplog.clear()
    assert not any(deed.written for deed in installed(HOSTS["pd"], system))
    assert {path.read_bytes() for path in paths} == {b"of an earlier version"}


# --- folders of the user's own choice


def test_a_library_that_was_moved_is_named_once_and_remembered(home: Path) -> None:
    library = home / "My Library"
    library.mkdir(parents=True)
    system = system_of("macos", home)
    with pytest.raises(
        HostError, match=r"^There is no .*User Library: start Live once, .* --to FOLDER .* its User Library "
    ):
        targets(HOSTS["live"], system, Ledger.of(system))
    (deed,) = installed(HOSTS["live"], system, to=library)
    assert deed.item.target == library / "Presets/MIDI Effects/Max MIDI Effect/GAPT.amxd"
    assert bases(HOSTS["live"], system, Ledger.of(system)) == [library]
    assert states(HOSTS["live"], system) == ["installed"]
    deed.item.target.unlink()
    library.rename(home / "gone")
    assert not bases(HOSTS["live"], system, Ledger.of(system))


def test_a_folder_named_in_vain_is_not_remembered(home: Path) -> None:
    system = system_of("linux", home)
    vain, usual = home / "vain", home / ".local/lib/pd/extra"
    vain.mkdir(parents=True)
    (vain / "gapt").write_text("a file")
    with pytest.raises(HostError, match=r"vain/gapt is in the way of our gapt-help\.pd: move it elsewhere\.$"):
        installed(HOSTS["pd"], system, to=vain)
    (item, *_) = items(HOSTS["pd"], [vain])
    Ledger.of(system).add(item, digest_of(b"noted, and then killed"))
    assert {deed.item.base for deed in installed(HOSTS["pd"], system)} == {usual}


@pytest.mark.parametrize(
    ("name", "own", "named"),
    [
        ("max", "Max 9", "Packages"),
        ("live", "My Library", "Presets/MIDI Effects/Max MIDI Effect"),
        ("live", "My Library", "Presets"),
        ("reaper", "REAPER", "Effects"),
        ("reaper", "REAPER", "OSC"),
        ("bitwig", "Controller Scripts", "GAPT Bridge"),
        ("max", "Max 9", "."),
        ("max", "Max 9", "Library"),
    ],
)
def test_a_folder_inside_the_hosts_is_taken_for_the_hosts(name: str, own: str, named: str, home: Path) -> None:
    to = home / own / named
    to.mkdir(parents=True)
    found = targets(HOSTS[name], system_of("macos", home), Ledger(home / "none"), to)
    assert found == [to if named == "Library" else home / own]


def test_a_folder_that_is_not_there_is_not_made(home: Path) -> None:
    with pytest.raises(
        HostError, match=r"^There is no folder .*nowhere: name the one where REAPER keeps its resources "
    ):
        targets(HOSTS["reaper"], system_of("linux", home), Ledger(home / "none"), home / "nowhere")
    assert not home.exists()
    home.write_text("a file")
    with pytest.raises(HostError, match=r"home is no folder: name the one where REAPER "):
        targets(HOSTS["reaper"], system_of("linux", home), Ledger(home / "none"), home)


# --- what goes wrong


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("wait", range(4))
def test_a_kill_leaves_each_file_whole_and_the_next_time_finishes(home: Path, wait: int) -> None:
    system = system_of("linux", home)
    base = home / "pd"
    base.mkdir(parents=True)
    ledger = Ledger.of(system)
    todo = items(HOSTS["pd"], [base])
    for item in todo:
        ledger.add(item, digest_of(b"earlier"))
        item.target.parent.mkdir(exist_ok=True)
        item.target.write_bytes(b"earlier")
    command = [sys.executable, "-c", KILLED, str(home), str(wait)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert {item.target.read_bytes() for item in todo} <= {b"earlier", *(item.source.read_bytes() for item in todo)}
    assert {state_of(item, Ledger.of(system)) for item in todo} <= {"installed", "outdated"}
    list(install(todo, Ledger.of(system)))
    assert contents(base) == {f"gapt/{item.source.name}": item.source.read_bytes() for item in todo}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to this user")
def test_a_read_only_folder_is_a_sentence(home: Path) -> None:
    base = home / "REAPER"
    base.mkdir(parents=True)
    base.chmod(0o555)
    with pytest.raises(HostError, match=r"cannot be written .* --to FOLDER\.$"):
        installed(HOSTS["reaper"], system_of("linux", home), to=base)
    assert not list(base.iterdir())


def test_a_disk_that_refuses_is_a_sentence_and_leaves_all_as_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = system_of("linux", home)
    paths = earlier(HOSTS["pd"], system)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "daw.json"}

    real = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if target in paths:
            raise PermissionError(13, "Permission denied", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(HostError, match=r"cannot be written \(Permission denied\): .* --to FOLDER\.$"):
        installed(HOSTS["pd"], system)
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.name != "daw.json"} == before


def test_a_file_where_a_folder_should_be_is_a_sentence(home: Path) -> None:
    (home / "REAPER").mkdir(parents=True)
    (home / "REAPER" / "OSC").write_text("a file")
    with pytest.raises(HostError, match=r"(OSC is in the way of our GAPT\.ReaperOSC: move it|cannot be written) "):
        installed(HOSTS["reaper"], system_of("linux", home), to=home / "REAPER")


def test_a_list_of_ours_that_cannot_be_kept_is_what_the_sentence_names(home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("a file")
    with pytest.raises(HostError, match=r"daw\.json cannot be written .*: it is our own list "):
        installed(HOSTS["pd"], system_of("linux", home))
    assert not (home / ".local").exists()


def test_an_unknown_host_is_a_sentence_and_other_names_are_known() -> None:
    assert host_of("Ableton") is HOSTS["live"]
    assert host_of("PureData") is HOSTS["pd"]
    with pytest.raises(HostError, match=r"^There is no part for “cubase”: there are max, live, .*keyboard\.md\)\.$"):
        host_of("cubase")


# --- the commands


@pytest.fixture
def here(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, for commands."""
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA", "XDG_DOCUMENTS_DIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def daw(*arguments: object) -> Result:
    return CliRunner().invoke(gapt, ["daw", *map(str, arguments)])


def test_install_tells_what_it_did_and_what_to_do_then(here: Path) -> None:
    folder = here / "REAPER"
    folder.mkdir()
    first = daw("install", "reaper", "--to", folder, "--dry-run")
    assert f"{folder}/OSC/GAPT.ReaperOSC would be copied." in first.stdout.replace("\\", "/")
    assert not list(folder.iterdir())
    assert "GAPT.ReaperOSC is copied." in daw("install", "reaper", "--to", folder).stdout
    (folder / "OSC" / "GAPT.ReaperOSC").write_text("mine")
    kept = daw("install", "reaper", "--to", folder)
    assert kept.exit_code == 0
    assert "GAPT.ReaperOSC is kept: you have changed it." in kept.stdout
    assert kept.stdout.splitlines()[-2:] == [
        "What you have changed was kept; --force replaces it by ours.",
        f"Then: {HOSTS['reaper'].after}",
    ]
    forced = daw("install", "reaper", "--to", folder, "--force").stdout
    assert "GAPT.ReaperOSC is replaced by ours; your changes are lost." in forced


def test_path_says_where_files_have_gone_or_would_go(here: Path) -> None:
    folder = here / "any"
    folder.mkdir()
    line = daw("path", "live", "--to", folder).stdout.strip()
    assert line == f"{folder / 'Presets/MIDI Effects/Max MIDI Effect/GAPT.amxd'}  (not installed)"
    daw("install", "live", "--to", folder)
    (told,) = json.loads(daw("path", "live", "--json", "--to", folder).stdout)
    assert told["state"] == "installed" and Path(told["file"]).exists()


def test_list_shows_every_host_and_how_it_is(here: Path) -> None:
    folder = here / "any"
    folder.mkdir()
    daw("install", "bitwig", "--to", folder)
    shown = daw("list").stdout
    assert all(name in shown for name in HOSTS)
    assert "[gapt]" in shown
    told = {line["host"]: line for line in json.loads(daw("list", "--json").stdout)}
    assert list(told) == list(HOSTS)
    assert told["bitwig"]["state"] == "installed"
    assert told["bitwig"]["folders"] == [str(folder)]
    assert told["pd"]["state"] == "not installed"
    Path(told["bitwig"]["files"][0]["file"]).write_text("mine")
    told = {line["host"]: line for line in json.loads(daw("list", "--json").stdout)}
    assert told["bitwig"]["state"] == "changed by you"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells such a folder by another error")
def test_one_host_in_disorder_does_not_hide_the_others(here: Path) -> None:
    daw("install", "pd")
    (told,) = (line for line in json.loads(daw("list", "--json").stdout) if line["host"] == "pd")
    Path(told["files"][0]["file"]).unlink()
    Path(told["files"][0]["file"]).mkdir()
    shown = daw("list")
    assert shown.exit_code == 0
    assert "cannot be told" in shown.stdout and "reaper" in shown.stdout
    assert f"pd: {told['files'][0]['file']} is in the way of our " in shown.stdout
    told = {line["host"]: line for line in json.loads(daw("list", "--json").stdout)}
    assert told["pd"]["problem"] and not told["reaper"]["problem"]


@pytest.mark.parametrize("command", ["install", "path"])
def test_an_unknown_host_ends_with_the_way_out(command: str, here: Path) -> None:
    result = daw(command, "cubase")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: There is no part for “cubase”")
    assert not list(here.iterdir())


@pytest.mark.skipif(PD is None or not sys.platform.startswith("linux"), reason="pd not installed")
def test_pd_finds_what_was_installed(here: Path) -> None:
    patch = here / "mine.pd"
    patch.write_text("#N canvas 0 0 600 300 12;\n#X obj 20 20 gapt;\n", "utf-8")
    assert errors(patch)
    assert daw("install", "pd").exit_code == 0
    assert not errors(patch)
