"""The command that runs Kafka's classes: a broker, or the tool that formats its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.equipment.kafka.jars import class_archive, jars

_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
# The compiler that is ready soonest: a broker starts in half the time, and no test waits for the better one's code. And
# Kafka's classes are taken as Maven has checked them: to verify each is a sixth of what a start costs.
_JAVA: Final = (
    "java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote",
)  # fmt: skip


def java_command(*options: str) -> list[str]:
    """What comes before a class's name.

    Args:
        options: more of Java's.

    Raises:
        NoKafka: Java or the jars can't be had.
    """
    archive = class_archive()
    # Java goes on without an archive that it finds unfit.
    shared = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
    return [*_JAVA, *shared, *options, f"-Dlog4j2.configurationFile={_LOG4J}", "-cp", f"{jars()}/*"]
