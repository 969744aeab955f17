"""Starts `placed`: prepares signals and output, runs the command line, and reports output that could not be printed.

It imports the other modules only when a signal can no longer end the process by surprise, and a closed or full output
can't stop it.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from placed.process.collector import collector_at_rest
from placed.process.exit_codes import ExitCode
from placed.telemetry.standard_streams import Output, open_missing_descriptors

if TYPE_CHECKING:
    from placed.commands.settings.values import Settings


def main() -> int:
    """Run the command line of this process, and return its exit code."""
    # By default these signals end a process. Blocked, they wait until the server can obey or refuse them
    # (`placed.service.process`). The other commands unblock those that should end a command (`placed.commands.cli`),
    # and never look at SIGUSR2.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM, signal.SIGHUP})
    # When numpy is imported, its BLAS starts a thread for each core, and each spins for 20 ms. They are of no use here:
    # placed multiplies only small arrays.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    open_missing_descriptors()
    output = Output()
    code = _run()
    is_server = "placed.service.process" in sys.modules
    if output.settle() or is_server:
        return code
    # The command couldn't print its result. A reader that closed the pipe (`| head`) knows that, and needs no message.
    if not isinstance(output.stdout.error, BrokenPipeError):
        sys.stderr.write(f"placed: standard output can't be written: {output.stdout.error or 'nobody reads it'}\n")
        output.settle()
    return code or ExitCode.FAULT


def _run() -> int:
    try:
        # The objects that imports make stay: to look for garbage among them takes a tenth of a start, or of a command.
        with collector_at_rest():
            cli = importlib.import_module("placed.commands.cli")
            gc.freeze()
        code: int = cli.main(serve=serve)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 - a bug: print it before the output is settled, since Python would do so later
        sys.excepthook(*sys.exc_info())
        return ExitCode.FAULT
    return code


def serve(settings: Settings) -> int:
    """Serve until a signal ends it, and return the exit code. Only this imports the server."""
    with collector_at_rest():
        process = importlib.import_module("placed.service.process")
        gc.freeze()
    code: int = process.run(settings)
    return code


if __name__ == "__main__":
    sys.exit(main())
