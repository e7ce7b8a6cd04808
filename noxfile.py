"""The task runner: `nox -s lint types test docs bench`. Every task runs in the environment nox was started from."""

from __future__ import annotations

import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "test"]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style; `nox -s lint -- fix` puts right what can be put right."""
    fix = "fix" in session.posargs
    _python(session, "ruff", "check", *(["--fix"] if fix else []))
    _python(session, "ruff", "format", *([] if fix else ["--check"]))


@nox.session
def types(session: nox.Session) -> None:
    """Check annotations."""
    _python(session, "mypy")


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests; what follows `--` goes to pytest."""
    _python(session, "pytest", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated documents again."""
    for script in sorted(Path("docs").glob("make_*.py")):
        session.run(sys.executable, str(script))


@nox.session
def bench(session: nox.Session) -> None:
    """Run the quick benchmarks that need no data, or those named after `--`: `nox -s bench -- session`."""
    for name in session.posargs or ("step", "sync", "live", "osc_fuzz"):
        session.run(sys.executable, f"bench/{name}.py")


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel into dist/."""
    _python(session, "build", "--wheel", "--outdir", "dist")


def _python(session: nox.Session, *command: str) -> None:
    session.run(sys.executable, "-m", *command)
