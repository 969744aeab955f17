"""`python -m bench`: the group of all benches. It imports a bench only when somebody asks for that bench."""

from __future__ import annotations

import importlib
from typing import Final

import click

# The command's name, and where it is.
_COMMANDS: Final = {
    "acts": "bench.acts",
    "catchup": "bench.catchup",
    "compare": "bench.compare",
    "data": "bench.data",
    "dearest": "bench.dearest",
    "event": "bench.event",
    "fanout": "bench.fanout",
    "history": "bench.history",
    "image": "bench.image",
    "ingest": "bench.ingest",
    "kafka": "bench.kafka",
    "latency": "bench.latency",
    "memory": "bench.memory",
    "page": "bench.page",
    "people": "bench.people_store",
    "png": "bench.png",
    "powerloss": "bench.powerloss",
    "replay": "bench.replay",
    "rplace": "bench.rplace",
    "snapshot": "bench.snapshot",
    "soak": "bench.soak",
    "start": "bench.start",
    "torture": "bench.torture",
    "upgrade": "bench.upgrade",
    "visitors": "bench.visitors",
}


class _Benches(click.Group):
    """A group whose commands are imported late: `png` needs Pillow and node, the others don't."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name]), cmd_name)
        return command


@click.command("bench", cls=_Benches, context_settings={"help_option_names": ["-h", "--help"]})
def bench() -> None:
    """Measure placed. Each command prints a table; --json FILE also writes JSON, and --plot FILE a plot.

    Tables show wall times. On Linux they also show the time without waiting for a core, which the scheduler counts. On
    a machine that others use too, compare the time without waiting.
    """


if __name__ == "__main__":
    bench(prog_name="python -m bench")
