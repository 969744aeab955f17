"""Opens damaged logs on request, in a process of its own: `python -m tests.backends.lmdb.damage_worker`.

The first input line has the expected records; each further line is a folder. For each folder the process prints the
result of opening the log there, reading it all, appending some records, and reading it all again. If LMDB dies by a
signal, this process dies, too, and the test sees it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import trio

from placed.backends import LogCorrupt, LogError
from placed.backends.lmdb.log import open_lmdb_log
from tests.backends.logs import read


async def look(folder: Path, values: list[bytes]) -> str:
    """Describe the state of the log in `folder`, which should hold `values`."""
    try:
        async with open_lmdb_log(folder) as log:
            if await log.bounds() != (0, len(values)):
                return f"wrong bounds {await log.bounds()}"
            if (await read(log, 0, len(values))).values != values:
                return "wrong values"
            for number in range(3):
                await log.append(b"new %d" % number)
            if (await read(log, 0, len(values) + 3)).values != [*values, b"new 0", b"new 1", b"new 2"]:
                return "wrong values after an append"
    except LogCorrupt as error:
        return "corrupt" if str(folder) in str(error) and "Restore a backup" in str(error) else f"unclear: {error}"
    except LogError as error:
        return f"another error: {error!r}"
    return "sound"


def main() -> None:
    """Serve until the input ends."""
    values = [bytes.fromhex(each) for each in json.loads(sys.stdin.readline())]
    for line in sys.stdin:
        sys.stdout.write(json.dumps(trio.run(look, Path(line.rstrip("\n")), values)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
