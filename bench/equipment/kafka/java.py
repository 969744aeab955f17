"""The command that runs Kafka's classes: a broker, or the tool that formats its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bench.equipment.kafka.jars import class_archive, jars

_LOG4J: Final = Path(__file__).with_name("log4j2.properties")
# The compiler that is ready soonest: with it a broker starts in half the time, and no test needs the better one's code.
# Java also skips the verification of Kafka's classes, which is a sixth of a start: Maven has checked the jars.
_JAVA: Final = (
    "java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    "-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote",
)  # fmt: skip


def java_command(*options: str) -> list[str]:
    """The command up to a class's name.

    Args:
        options: more options of Java.

    Raises:
        NoKafka: Java or the jars are missing.
    """
    archive = class_archive()
    # If the archive doesn't fit, Java goes on without it.
    shared = [f"-XX:SharedArchiveFile={archive}"] if archive.exists() else []
    return [*_JAVA, *shared, *options, f"-Dlog4j2.configurationFile={_LOG4J}", "-cp", f"{jars()}/*"]
