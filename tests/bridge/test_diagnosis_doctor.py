"""`gapt doctor`: finds what is wrong, says what to do, and is content where all is well."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from bridge.diagnosis import installation, machine
from bridge.diagnosis.doctor import midi, osc
from bridge.diagnosis.findings import Finding, findings_of
from bridge.diagnosis.ports import OSC_PORTS
from bridge.diagnosis.step_time import measure, step_time
from bridge.errors import BridgeError
from presets.store import Store


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(gapt, list(arguments))


def levels(findings: Iterator[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_the_doctor_finds_this_machine_able_to_play(preset: Path) -> None:
    result = invoke("doctor", "--preset", str(preset), "--tempo", "60", "--json")
    findings = {finding["name"]: finding for finding in json.loads(result.stdout)}
    assert {"Python", "installation", "presets", "settings", "MIDI", "cores", "priority", "clock"} <= set(findings)
    assert {"sleep", "sleep and spin", "torch", "step"} <= set(findings)
    assert {f"UDP {port}" for port in OSC_PORTS} <= set(findings)
    assert all(finding["advice"] for finding in findings.values() if finding["level"] != "ok")
    assert not any(finding["advice"] for finding in findings.values() if finding["level"] == "ok")
    assert findings["torch"]["level"] == "ok"
    failed = any(finding["level"] == "fail" for finding in findings.values())
    assert result.exit_code == (2 if failed else 0)


def test_what_cannot_work_is_shown_with_advice_and_exit_code_2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libtorch is gone')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    result = invoke("doctor", "--preset", "nothing-of-that-name")
    assert result.exit_code == 2
    assert "cannot be imported (ImportError: libtorch is gone)" in result.stdout
    assert "There is no preset “nothing-of-that-name”" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("2 cannot work.")


def test_a_check_that_cannot_be_made_is_a_finding() -> None:
    def check() -> Iterator[Finding]:
        raise BridgeError("The door is shut: open it.")

    assert list(findings_of([("door", check)])) == [
        Finding("door", "fail", "The door is shut: open it.", "see the sentence.")
    ]


def test_a_busy_port_is_told_with_its_holder() -> None:
    before = {finding.name: finding for finding in osc()}
    free = [port for port in OSC_PORTS if "free" in before[f"UDP {port}"].text]
    if not free:
        pytest.skip("every port of ours is in use here")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", free[0]))
        finding = next(finding for finding in osc() if finding.name == f"UDP {free[0]}")
    assert "held by" in finding.text


def test_midi_is_never_what_cannot_work() -> None:
    assert levels(midi())[0] in ("ok", "warn")


def dist_info(folder: Path, name: str, version: str, top_level: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "top_level.txt").write_text(f"{top_level}\n")


def test_two_versions_at_once_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(installation.packages()) == ["ok"]
    dist_info(tmp_path, "gapt-bridge", "0.0.1", "bridge")
    monkeypatch.syspath_prepend(str(tmp_path))
    [finding] = installation.packages()
    assert finding.level == "fail" and "0.0.1 and" in finding.text


def test_another_distribution_with_our_package_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dist_info(tmp_path, "presets", "1.0", "presets")
    monkeypatch.syspath_prepend(str(tmp_path))
    _, finding = installation.packages()
    assert finding == Finding(
        "packages",
        "fail",
        "“presets” is also installed by presets",
        "run `pip uninstall presets`, then `pip install --force-reinstall gapt-bridge`.",
    )


def test_a_package_from_elsewhere_cannot_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gapt_core").mkdir()
    (tmp_path / "gapt_core" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "gapt_core")
    assert any(finding.text.startswith("not in one place: ") for finding in installation.packages())


def test_a_damaged_preset_is_told_and_the_others_are_counted(
    preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_policy_preset(tmp_path / "broken")
    with (tmp_path / "broken" / "policy.safetensors").open("r+b") as file:
        file.write(b"\xff\xff")
    monkeypatch.setenv("GAPT_PRESETS", str(tmp_path))
    damaged, rest = installation.presets()
    assert damaged.level == "warn" and "“broken”" in damaged.text
    assert rest.level == "ok" and rest.text.startswith(f"{len(Store.default().folders()) - 1} sound")


@pytest.mark.parametrize(
    ("content", "level", "words"),
    [
        (None, "ok", "none yet; they will be in "),
        ("[jam]\ntemperature = 0.7\n", "ok", ", 1 line"),
        ("[jam]\ntemperature = 99\n", "fail", "temperature"),
        ("[jam\n", "fail", "cannot be read"),
    ],
)
def test_the_settings_file_is_read(
    content: str | None, level: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("GAPT_SETTINGS", str(path))
    [finding] = installation.settings()
    assert finding.level == level and words in finding.text


def test_an_answer_is_timed_for_every_frame_that_counts(preset: Path) -> None:
    times = measure(str(preset), 0.0)
    assert len(times.compute) == len(times.answer) == 80
    assert times.answer == sorted(times.answer)
    assert all(compute > 0.0 for compute in times.compute)
    assert times.compute[0] <= times.answer[0]


def test_a_tempo_too_fast_for_any_policy_cannot_work(preset: Path) -> None:
    assert levels(step_time(str(preset), 1e9)) == ["fail"]


def test_sleeps_are_timed_both_ways() -> None:
    late = machine.sleep_lateness(5, 0.001)
    assert list(late) == ["sleep", "sleep and spin"]
    assert all(values == sorted(values) and len(values) == 5 for values in late.values())
    assert late["sleep and spin"][0] >= 0.0


def test_every_machine_has_a_python_cores_a_clock_and_a_priority() -> None:
    for check in (machine.python, machine.cores, machine.clock, machine.priority):
        [finding] = check()
        assert finding.text
