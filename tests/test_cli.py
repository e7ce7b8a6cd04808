"""The root of the command line: quick to start, and polite when something is wrong."""

from __future__ import annotations

import errno
import subprocess
import sys
from importlib.metadata import version

import click
import pytest
from click.testing import CliRunner, Result

from bridge import cli
from presets.errors import GaptError, PresetError

HEAVY = ("torch", "numba", "llvmlite", "music21", "matplotlib", "safetensors", "mido", "rtmidi", "pythonosc", "rich")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Run a command of `gapt` that raises what it is told to."""

    def run(error: BaseException, *options: str) -> Result:
        @click.command()
        def fail() -> None:
            click.echo("begun")
            raise error

        monkeypatch.setattr(cli.LazyGroup, "get_command", lambda self, ctx, name: fail)
        return CliRunner().invoke(cli.gapt, [*options, "fail"])

    return run


@pytest.mark.parametrize("arguments", [["--help"], ["presets", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys; from bridge.cli import main\n"
        f"sys.argv = ['gapt', *{arguments!r}]\n"
        "try: main()\n"
        "finally: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert {"click", "bridge"} <= loaded
    assert not loaded.intersection(HEAVY)


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(cli.gapt, ["--help"])
    assert result.exit_code == 0
    listed = [line.split()[0] for line in result.stdout.partition("Commands:")[2].splitlines() if line]
    assert listed == list(cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_there_under_its_name(name: str) -> None:
    command = cli.gapt.get_command(click.Context(cli.gapt), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(120)


def test_version() -> None:
    assert CliRunner().invoke(cli.gapt, ["--version"]).stdout == f"gapt, version {version('gapt-bridge')}\n"


def test_an_unknown_command() -> None:
    result = CliRunner().invoke(cli.gapt, ["nonsense"])
    assert result.exit_code == 2
    assert "No such command 'nonsense'" in result.stderr


@pytest.mark.parametrize("kind", [GaptError, PresetError])
def test_what_the_user_can_put_right_is_one_sentence(failing, kind: type[GaptError]) -> None:
    result = failing(kind("The door is shut: open it."))
    assert result.exit_code == 2
    assert result.stdout == "begun\n"
    assert result.stderr == "Error: The door is shut: open it.\n"


def test_the_whole_error_is_there_for_who_asks(failing) -> None:
    result = failing(GaptError("The door is shut."), "-vv")
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("Error: The door is shut.\n")


def test_a_path_the_system_refuses_is_one_sentence(failing) -> None:
    result = failing(PermissionError(errno.EACCES, "Permission denied", "/attic/tune.mid"))
    assert result.exit_code == 2
    assert result.stderr == "Error: /attic/tune.mid: Permission denied; check the path and who may read or write it.\n"


def test_what_is_our_own_mistake_keeps_its_traceback(failing) -> None:
    assert isinstance(failing(ZeroDivisionError()).exception, ZeroDivisionError)


def test_an_interrupt_is_quiet(failing) -> None:
    result = failing(KeyboardInterrupt())
    assert (result.exit_code, result.stderr) == (130, "")


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = "import sys; sys.stdin.read(); from bridge.cli import main; main()"
    command = [sys.executable, "-c", program, "presets", "--help"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.close()
        assert "Traceback" not in process.stderr.read()
