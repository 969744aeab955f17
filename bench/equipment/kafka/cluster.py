"""A cluster of real brokers on this machine: Apache Kafka in KRaft mode, each broker a controller too.

Listeners, all on free ports of 127.0.0.1: plaintext, for brokers and clients, and controller; with a `Login` also
sasl_plaintext, and with a `Certificate` ssl and sasl_ssl. A cluster of three keeps three copies of each record, and
acknowledges a record once two brokers have it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from bench.equipment.free_ports import free_ports
from bench.equipment.kafka.classes import keep_classes
from bench.equipment.kafka.java import java_command
from bench.equipment.kafka.storage import format_storage, new_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

START_SECONDS: Final = 90.0  # enough for three brokers that start at once on two busy cores; one alone takes 3 s
STOP_SECONDS: Final = 20.0
_ARCHIVE_SECONDS: Final = 90.0  # to write all classes and then end: 3 s on an idle machine
_STARTED: Final = "Kafka Server started"
_DATA: Final = "data"


@attrs.frozen
class Login:
    """A user of the SASL listeners, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512."""

    user: str
    password: str


@attrs.frozen
class Certificate:
    """For TLS listeners: one PEM file with key and certificate, and one with the authority that signed it."""

    pem: Path
    ca: Path


class Broker:
    """One broker's process. It can be stopped, killed, halted and started again."""

    def __init__(self, node: int, folder: Path, listeners: dict[str, int]) -> None:
        self.node = node
        self.folder = folder
        self.listeners = listeners
        self.lines: deque[str] = deque(maxlen=1000)
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._started = threading.Event()

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process exists, halted or not."""
        return self._process is not None and self._process.poll() is None

    def address(self, listener: str = "plaintext") -> str:
        """HOST:PORT of a listener."""
        return f"127.0.0.1:{self.listeners[listener]}"

    def format(self, cluster_id: str, login: Login | None) -> None:
        """Make the broker's data folder."""
        scram = (
            []
            if login is None
            else [f"SCRAM-SHA-{bits}=[name={login.user},password={login.password}]" for bits in (256, 512)]
        )
        format_storage(self.folder / _DATA, self._properties, cluster_id, self.node, scram)

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def begin(self, *options: str) -> None:
        """Start the broker with more options of Java, without waiting."""
        self._started = threading.Event()
        self._process = subprocess.Popen(
            [*java_command(*options), "kafka.Kafka", str(self._properties)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,  # Ctrl-C only goes to the command that started it, which then stops it in order
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, args=(self._process, self._started), daemon=True)
        self._listener.start()

    def _listen(self, process: subprocess.Popen[str], started: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.lines.append(line)
                if _STARTED in line:
                    started.set()
        started.set()

    def wait(self, deadline: float) -> None:
        """Wait until the broker has started.

        Raises:
            RuntimeError: it ended, or `deadline`, of `time.monotonic`, has passed; with its last lines.
        """
        found = self._started.wait(max(0.0, deadline - time.monotonic()))
        assert self._process is not None
        if not found or not any(_STARTED in line for line in self.lines):
            raise RuntimeError(f"broker {self.node} didn't start:\n{''.join(self.lines)}")

    def start(self, *options: str) -> None:
        """Start the broker with more options of Java, and wait until it answers."""
        self.begin(*options)
        self.wait(time.monotonic() + START_SECONDS)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End the broker in order, or kill it if that takes longer than `seconds`. Idempotent."""
        self._end(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """End the broker at once, as a power cut would. Idempotent."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def halt(self) -> None:
        """Stop the broker's process without ending it: its sockets stay, and nothing answers once this returns.

        Raises:
            RuntimeError: it still runs.
        """
        os.kill(self.pid, signal.SIGSTOP)
        # Its threads stop one by one; on a busy machine one of them may still acknowledge a record meanwhile.
        deadline = time.monotonic() + STOP_SECONDS
        while os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                raise RuntimeError(f"broker {self.node} can't be halted")
            time.sleep(0.001)

    def resume(self) -> None:
        """Let the broker go on after `halt`."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        process = self._process
        if process is None:
            return
        for each in (signal.SIGCONT, number):
            process.send_signal(each)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_SECONDS)
        if self._listener is not None:
            self._listener.join(STOP_SECONDS)
        self._process = None


class Cluster:
    """The brokers of one cluster."""

    def __init__(self, brokers: list[Broker]) -> None:
        self.brokers = brokers

    def addresses(self, listener: str = "plaintext") -> str:
        """All brokers' addresses, joined by commas."""
        return ",".join(broker.address(listener) for broker in self.brokers)

    def start(self) -> None:
        """Start all brokers together: a controller waits for the others."""
        deadline = time.monotonic() + START_SECONDS
        for broker in self.brokers:
            broker.begin()
        for broker in self.brokers:
            broker.wait(deadline)

    def stop(self) -> None:
        """Kill all brokers; nobody needs their data. Idempotent."""
        for broker in self.brokers:
            broker.kill()


@contextlib.contextmanager
def run_cluster(
    folder: Path, *, brokers: int = 1, login: Login | None = None, certificate: Certificate | None = None
) -> Iterator[Cluster]:
    """Run a new cluster with its data in `folder`; it is gone when the block ends."""
    keep_classes(_run_once)
    cluster = _cluster(folder, brokers, login, certificate)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _run_once(option: str) -> None:
    with tempfile.TemporaryDirectory(prefix="placed-kafka-") as folder:
        (broker,) = _cluster(Path(folder), 1, None, None).brokers
        try:
            broker.start(option)
            broker.stop(_ARCHIVE_SECONDS)
        finally:
            broker.kill()


def _cluster(folder: Path, brokers: int, login: Login | None, certificate: Certificate | None) -> Cluster:
    names = ["plaintext", "controller"]
    if login is not None:
        names.append("sasl_plaintext")
    if certificate is not None:
        names += ["ssl", "sasl_ssl"]
    ports = iter(free_ports(brokers * len(names)))
    made = [
        Broker(node, folder / f"broker-{node}", {name: next(ports) for name in names}) for node in range(1, brokers + 1)
    ]
    cluster_id = new_uuid()
    for broker in made:
        broker.folder.mkdir(parents=True)
        (broker.folder / "server.properties").write_text(_properties(broker, made, login, certificate))
        broker.format(cluster_id, login)
    return Cluster(made)


def _properties(broker: Broker, brokers: list[Broker], login: Login | None, certificate: Certificate | None) -> str:
    copies = min(3, len(brokers))
    # A single broker acknowledges alone; of three, two must have the record.
    in_sync = 2 if copies == 3 else 1
    names = [name.upper() for name in broker.listeners]
    clients = [name for name in names if name != "CONTROLLER"]
    address = {name: f"{name}://{broker.address(name.lower())}" for name in names}
    protocol = {name: "PLAINTEXT" if name == "CONTROLLER" else name for name in names}
    settings = {
        "process.roles": "broker,controller",
        "node.id": broker.node,
        "controller.quorum.voters": ",".join(f"{each.node}@{each.address('controller')}" for each in brokers),
        "listeners": ",".join(address.values()),
        "advertised.listeners": ",".join(address[name] for name in clients),
        "listener.security.protocol.map": ",".join(f"{name}:{protocol[name]}" for name in names),
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": broker.folder / _DATA,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # The cluster notices a dead broker after 3 s, not Kafka's 9 s, so that a test needn't wait so long.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # No heartbeat records: two a second are half of the 3 % of a core that an idle broker takes.
        "metadata.max.idle.interval.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    if login is not None:
        settings["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
        for name in (name.lower() for name in clients if name.startswith("SASL")):
            settings[f"listener.name.{name}.plain.sasl.jaas.config"] = (
                "org.apache.kafka.common.security.plain.PlainLoginModule required"
                f' user_{login.user}="{login.password}";'
            )
            for mechanism in ("scram-sha-256", "scram-sha-512"):
                settings[f"listener.name.{name}.{mechanism}.sasl.jaas.config"] = (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                )
    if certificate is not None:
        settings |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": certificate.pem,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": certificate.ca,
        }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
