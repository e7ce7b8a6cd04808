"""JavaScript run by Node.js, which answers in JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

NODE = shutil.which("node")
PATIENCE = 60.0


def run(program: str, *given: object) -> Any:
    """What `program` gives to `answer (...)`; it finds what is given in `given`, a list.

    Raises:
        AssertionError: it did not end well.
    """
    head = f"'use strict'; const given = {json.dumps(given)}; "
    head += "const answer = value => console.log(JSON.stringify(value));\n"
    command = [str(NODE), "--input-type=commonjs", "-e", head + program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
