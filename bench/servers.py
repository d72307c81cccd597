"""The other ends of the mail benchmark: our sink in C, and Postfix's smtp-sink and smtp-source.

Debian's postfix package is fetched and unpacked for the two programs; nothing is installed, and no daemon runs.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Compiled and unpacked programs; ignored by git.
CACHE = HERE.parent / "var" / "bench"
#: How long a server may take to listen, and to end, in seconds.
PATIENCE = 10.0
#: smtp-sink's queue of connections that are not yet accepted.
BACKLOG = "1024"


@dataclass(kw_only=True, slots=True)
class Server:
    """A sink that runs. `taken` holds its own count after the end, where it keeps one."""

    port: int
    process: subprocess.Popen[str]
    taken: dict[str, float] = field(default_factory=dict)


def compiled(cache: Path = CACHE) -> Path:
    """Our sink, compiled where its source is newer."""
    source, program = HERE / "sink.c", cache / "sink"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as place:
            made = Path(place) / "sink"
            compiler = os.environ.get("CC", "gcc")
            subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", str(made), str(source)], check=True)
            made.replace(program)
    return program


@contextmanager
def sink(*options: str, cache: Path = CACHE) -> Iterator[Server]:
    """Our sink on a free port, ended when the block is left."""
    command = [str(compiled(cache)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = Server(port=int(process.stdout.readline().split()[1]), process=process)
        try:
            yield server
        finally:
            process.terminate()
            server.taken = json.loads(process.communicate(timeout=PATIENCE)[0] or "{}")


@contextmanager
def smtp_sink(port: int) -> Iterator[Server]:
    """Postfix's smtp-sink, ended when the block is left. It keeps no count."""
    who = ["-u", "nobody"] if os.geteuid() == 0 else []
    program, environment = postfix("smtp-sink")
    with subprocess.Popen(
        [program, *who, f"127.0.0.1:{port}", BACKLOG], env=environment, stdout=subprocess.DEVNULL, text=True
    ) as process:
        try:
            _listening(port)
            yield Server(port=port, process=process)
        finally:
            process.terminate()


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a run of smtp-source took: seconds by the clock, and of processors."""

    seconds: float
    cpu: float


def smtp_source(port: int, messages: int, size: int) -> Spent:
    """Send so many messages of `size` bytes by Postfix's smtp-source with eight sessions that stay open."""
    program, environment = postfix("smtp-source")
    command = [program, "-s", "8", "-d", "-m", str(messages), "-l", str(size), f"127.0.0.1:{port}"]
    began = time.perf_counter()
    process = os.posix_spawn(program, command, environment)
    _, status, used = os.wait4(process, 0)
    if status:
        raise SystemExit(f"smtp-source ended with {os.waitstatus_to_exitcode(status)}")
    return Spent(seconds=time.perf_counter() - began, cpu=used.ru_utime + used.ru_stime)


def postfix(name: str) -> tuple[str, Mapping[str, str]]:
    """A program of Debian's postfix package, and the environment in which it finds its libraries."""
    unpacked = CACHE / "postfix"
    if not unpacked.exists():
        _unpack(unpacked)
    libraries = [str(unpacked / "usr/lib/postfix"), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    environment = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}
    return str(unpacked / "usr/sbin" / name), environment


def _unpack(target: Path) -> None:
    """Fetch the package where it is not there yet, with the list of packages renewed if need be."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise SystemExit("bench: smtp-source comes from Debian's postfix package; run this on Debian or Ubuntu")
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        # apt drops its privileges to a user of its own, who must be able to write here.
        Path(place).chmod(0o777)
        if _run(["apt-get", "-q", "download", "postfix"], place):
            _run(["apt-get", "-q", "update"], place)
            if _run(["apt-get", "-q", "download", "postfix"], place):
                raise SystemExit("bench: apt-get cannot download postfix")
        package = next(Path(place).glob("postfix_*.deb"))
        made = Path(place) / "unpacked"
        subprocess.run(["dpkg", "-x", str(package), str(made)], check=True)
        made.chmod(0o755)
        made.replace(target)


def _run(command: Sequence[str], place: str) -> int:
    return subprocess.run(command, cwd=place, check=False, stdout=subprocess.DEVNULL).returncode


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listening(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"bench: nothing listens on port {port}")
