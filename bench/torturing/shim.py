"""Code that is preloaded into a server: compiled here, from the C files of this folder, with the system's compiler.

The server stays as it is; what changes is what the C library tells it, or writes down.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_COMPILE_SECONDS: Final = 60.0


def can_preload() -> bool:
    """Whether this machine can: Linux with a C compiler."""
    return sys.platform == "linux" and shutil.which("cc") is not None


def compiled(name: str, folder: Path) -> Path:
    """The shared library of `NAME.c`, made in `folder`."""
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    command = ["cc", "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(library), str(source), "-ldl", "-pthread"]
    subprocess.run(command, check=True, timeout=_COMPILE_SECONDS)
    return library
