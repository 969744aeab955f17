"""Code that is preloaded into a server: the system's compiler compiles it here from the C files of this folder.

The server stays as it is. The code changes the C library's answers to it, or writes down the server's calls.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

_COMPILE_SECONDS: Final = 60.0


def can_preload() -> bool:
    """Whether this machine can preload code: it needs Linux and a C compiler."""
    return sys.platform == "linux" and shutil.which("cc") is not None


def compiled(name: str, folder: Path) -> Path:
    """Compile `NAME.c` into a shared library in `folder`; return its path."""
    library = folder / f"{name}.so"
    source = Path(__file__).with_name(f"{name}.c")
    command = ["cc", "-O2", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(library), str(source), "-ldl", "-pthread"]
    subprocess.run(command, check=True, timeout=_COMPILE_SECONDS)
    return library
