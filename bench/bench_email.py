"""Our mail sender beside Postfix's smtp-source and beside what its users would otherwise write: `make bench-email`.

    python bench/bench_email.py [--quick] [--case NAME …] [--pairs 7] [--write docs/performance.md]

Every run is a process of its own; runs that are compared take turns, and the median of the pairs counts.
docs/performance.md says what is measured, and what is not.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import project
import servers
from bench_check import machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE = Path(__file__).resolve().parent
#: One network's round trip, in milliseconds.
FAR = "20"
MB = 1e6
#: The longest that one run may take, in seconds: a million messages by a slow sender.
PATIENCE = 3600

Facts = Mapping[str, float]
Sink = Callable[[], AbstractContextManager[servers.Server]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table: what was measured, the figure, and what is to be reached."""

    case: str
    figure: float
    target: float
    #: How both are printed.
    form: str
    #: Whether more is better.
    more: bool = True
    detail: str = ""

    @property
    def reached(self) -> bool:
        return self.figure >= self.target if self.more else self.figure <= self.target

    def cells(self) -> tuple[str, ...]:
        sign = "at least" if self.more else "at most"
        verdict = "reached" if self.reached else "**missed**"
        target = f"{sign} {self.form.format(self.target)}"
        return self.case, self.form.format(self.figure), target, verdict, self.detail


@dataclass(kw_only=True)
class Bench:
    """What all cases share: the place, the pace, and every run so far."""

    work: Path
    pairs: int
    #: Messages are divided by it.
    scale: int
    port: int = field(default_factory=servers.free_port)
    #: Bytes of one message on the wire, and the window that is the default.
    size: int = 0
    window: int = 0
    runs: defaultdict[str, list[Facts]] = field(default_factory=lambda: defaultdict(list))
    _projects: dict[int, Path] = field(default_factory=dict)

    # Sinks

    def sink(self, *options: str) -> Sink:
        """Our own sink, in C."""
        return lambda: servers.sink("--port", str(self.port), *options)

    def smtp_sink(self) -> AbstractContextManager[servers.Server]:
        """Postfix's."""
        return servers.smtp_sink(self.port)

    # Runs

    def ours(self, name: str, sink: Sink, messages: int, **settings: object) -> Facts:
        """Our sender without a database."""
        section = project.email_section(self.port) | settings
        section = {key: value for key, value in section.items() if key not in {"use", "languages"}}
        letter = str(self.project(0) / project.LETTER)
        return self._one(name, sink, "ours", messages, "--letter", letter, "--settings", json.dumps(section))

    def users(self, name: str, sink: Sink, messages: int) -> Facts:
        """A way that our users would otherwise take: "smtplib" or "aiosmtplib"."""
        letter = str(self.project(0) / project.LETTER)
        return self._one(
            name, sink, name.split(maxsplit=1)[0], messages, "--letter", letter, "--port", str(self.port)
        )

    def source(self, name: str, sink: Sink, messages: int) -> Facts:
        """Postfix's smtp-source with eight sessions."""
        with sink() as server:
            spent = servers.smtp_source(self.port, messages, self.size)
        return self._keep(
            name, messages, {"messages": messages, "seconds": spent.seconds, "cpu": spent.cpu}, server
        )

    def recorded(self, name: str, sink: Sink, people: int) -> Facts:
        """The product itself, on a fresh copy of a project with so many subscribers."""
        with self.copy(people) as root:
            return self._one(name, sink, "recorded", people, "--project", str(root))

    def freeze(self, name: str, people: int) -> Facts:
        """Only the writing down of the audience."""
        with self.copy(people) as root:
            return self._keep(name, people, _alone("freeze", "--project", str(root)))

    def signature(self, name: str, count: int) -> Facts:
        """Signatures of the library, without mail."""
        return self._keep(name, count, _alone("signature", "--messages", str(count)))

    def _one(self, name: str, sink: Sink, case: str, messages: int, *options: str) -> Facts:
        with sink() as server:
            facts = _alone(case, "--messages", str(messages), *options)
        return self._keep(name, messages, facts, server)

    def _keep(self, name: str, wanted: int, facts: Facts, server: servers.Server | None = None) -> Facts:
        """A run in which a message was lost or doubled is no run."""
        taken = server.taken.get("messages", wanted) if server else wanted
        if facts["messages"] != wanted or taken != wanted:
            raise SystemExit(f"bench: {name}: {wanted} wanted, the sink has {taken}, and the sender says {facts}")
        self.runs[name].append(facts)
        print(f"  {name}: {rate(facts):,.0f}/s, {cpu(facts):,.0f} µs", file=sys.stderr)
        return facts

    # Projects

    def project(self, people: int) -> Path:
        """A prepared project with so many subscribers; made once."""
        if people not in self._projects:
            root = self.work / f"project-{people}"
            project.lay_out(root, self.port)
            if people:
                print(f"  importing {people} subscribers", file=sys.stderr)
                project.subscribe(root, people)
            self.window = project.approve(root)
            self._projects[people] = root
        return self._projects[people]

    @contextmanager
    def copy(self, people: int) -> Iterator[Path]:
        """A copy of it, for one run."""
        target = self.work / "copy"
        shutil.copytree(self.project(people), target)
        try:
            yield target
        finally:
            shutil.rmtree(target)

    def weigh(self) -> None:
        """Learn how long a message is, which smtp-source must then send as well."""
        with self.sink("--chunking")() as server:
            self.ours("weighing", lambda: _nothing(server), 100)
        self.size = round(server.taken["bytes"] / server.taken["messages"])
        del self.runs["weighing"]

    def key(self) -> str:
        """The file of a fresh RSA-2048 key."""
        path = self.work / "dkim.pem"
        if not path.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            path.chmod(0o600)
        return str(path)

    # Figures

    def ratio(self, one: str, other: str) -> float:
        """Median of the pairs' ratios of rates."""
        return median(rate(a) / rate(b) for a, b in zip(self.runs[one], self.runs[other], strict=True))

    def middle(self, name: str, figure: Callable[[Facts], float]) -> float:
        """The median of one figure."""
        return median(map(figure, self.runs[name]))

    def versus(self, one: str, other: str) -> str:
        """Both rates, for the table."""
        return f"{self.middle(one, rate):,.0f}/s : {self.middle(other, rate):,.0f}/s"


@contextmanager
def _nothing(server: servers.Server) -> Iterator[servers.Server]:
    """A server that runs already."""
    yield servers.Server(port=server.port, process=server.process)


def rate(facts: Facts) -> float:
    """Messages a second."""
    return facts["messages"] / facts["seconds"]


def cpu(facts: Facts) -> float:
    """Microseconds of processors a message, helpers included."""
    return (facts["cpu"] + facts.get("helpers_cpu", 0)) / facts["messages"] * 1e6


def peak(facts: Facts) -> float:
    """The most bytes that a single process held, in MB."""
    return max(facts.get("peak", 0), facts.get("helpers_peak", 0)) / MB


def _alone(case: str, *options: str) -> Facts:
    """One run of bench/one.py."""
    command = [sys.executable, str(HERE / "one.py"), case, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, timeout=PATIENCE)
    if done.returncode:
        raise SystemExit(f"bench: {case} ended with {done.returncode}")
    facts: Facts = json.loads(done.stdout.splitlines()[-1])
    return facts


# Cases: each makes its runs in turn, then its rows.


def near(bench: Bench) -> Iterator[Row]:
    count, fast = 50_000 // bench.scale, bench.sink("--chunking")
    ours, ref, kept = "ours, smtp-sink", "smtp-source -s 8, smtp-sink", "ours recorded, smtp-sink"
    for _ in range(bench.pairs):
        bench.ours(ours, bench.smtp_sink, count)
        bench.source(ref, bench.smtp_sink, count)
        bench.recorded(kept, bench.smtp_sink, count)
        # No target: how far smtp-sink, which is slower than both, hides what a sender could do.
        bench.source("smtp-source -s 8, C sink", fast, count)
        bench.recorded("ours recorded, C sink", fast, count)
    said = bench.versus(ours, ref)
    yield Row(
        case="unsigned, 0 ms, one process, smtp-sink",
        figure=bench.ratio(ours, ref),
        target=1.1,
        form="{:.2f} times",
        detail=said,
    )
    yield _cpu_row(bench, "the same, CPU a message", ours, 75)
    yield _cpu_row(bench, "the same, every delivery recorded, CPU a message", kept, 90)


def _cpu_row(bench: Bench, case: str, name: str, target: float) -> Row:
    said = f"{bench.middle(name, rate):,.0f}/s, {bench.middle(name, peak):.0f} MB"
    return Row(case=case, figure=bench.middle(name, cpu), target=target, form="{:.0f} µs", more=False, detail=said)


def far(bench: Bench) -> Iterator[Row]:
    yield _far(bench, f"{FAR} ms, PIPELINING", bench.sink("--delay-ms", FAR), 3.5)


def far_chunking(bench: Bench) -> Iterator[Row]:
    yield _far(bench, f"{FAR} ms, CHUNKING", bench.sink("--delay-ms", FAR, "--chunking"), 40)


def _far(bench: Bench, case: str, sink: Sink, target: float) -> Row:
    ours, ref = f"ours, {case}", f"smtp-source -s 8, {case}"
    for _ in range(bench.pairs):
        bench.ours(ours, sink, 2000)
        bench.source(ref, sink, max(800 // bench.scale, 200))
    said = bench.versus(ours, ref)
    return Row(
        case=f"unsigned, {case}", figure=bench.ratio(ours, ref), target=target, form="{:.1f} times", detail=said
    )


def signed(bench: Bench) -> Iterator[Row]:
    near_sink, count = bench.sink("--chunking"), 50_000 // bench.scale
    dkim = [{"selector": "bench", "key_file": bench.key()}]
    for _ in range(bench.pairs):
        bench.ours("ours, C sink", near_sink, count)
        bench.ours("ours signed, C sink", near_sink, count, dkim=dkim, processes=1)
        bench.ours("ours signed, C sink, 2 processes", near_sink, count, dkim=dkim, processes=2)
        bench.ours(
            f"ours signed, {FAR} ms, CHUNKING",
            bench.sink("--delay-ms", FAR, "--chunking"),
            2000,
            dkim=dkim,
            processes=1,
        )
        bench.signature("one signature", 2000)
    plain, with_key = bench.middle("ours, C sink", cpu), bench.middle("ours signed, C sink", cpu)
    one = bench.middle("one signature", cpu)
    said = f"{with_key:.0f} µs signed, {plain:.0f} µs unsigned, {one:.0f} µs a signature"
    yield Row(
        case="signed, RSA-2048, C sink, in signatures above unsigned",
        figure=(with_key - plain) / one,
        target=1.25,
        form="{:.2f}",
        more=False,
        detail=said,
    )
    two, single = "ours signed, C sink, 2 processes", "ours signed, C sink"
    yield Row(
        case="two processes beside one, signed",
        figure=bench.ratio(two, single),
        target=1.7,
        form="{:.2f} times",
        detail=bench.versus(two, single),
    )


def users(bench: Bench) -> Iterator[Row]:
    ways = {"smtplib + EmailMessage": (1000, 25.0), "aiosmtplib pooled, prepared": (10_000, 4.5)}
    for name, (count, target) in ways.items():
        mine = f"ours, beside {name.split(maxsplit=1)[0]}"
        for _ in range(bench.pairs):
            bench.ours(mine, bench.smtp_sink, 20_000 // bench.scale)
            bench.users(name, bench.smtp_sink, count // bench.scale)
        said = bench.versus(mine, name)
        yield Row(
            case=f"beside {name}", figure=bench.ratio(mine, name), target=target, form="{:.1f} times", detail=said
        )


def freezing(bench: Bench) -> Iterator[Row]:
    people = 1_000_000 // bench.scale
    for _ in range(bench.pairs):
        bench.freeze("freezing", people)
    took = bench.middle("freezing", lambda facts: facts["seconds"])
    said = f"{bench.middle('freezing', peak):.0f} MB"
    yield Row(
        case=f"{people:,} recipients: freezing the audience, SQLite",
        figure=took,
        target=5 / bench.scale,
        form="{:.1f} s",
        more=False,
        detail=said,
    )


def million(bench: Bench) -> Iterator[Row]:
    few, many = 10_000 // bench.scale, 1_000_000 // bench.scale
    kept, plain, small = f"ours recorded, {many:,}", f"ours, {many:,}", f"ours recorded, {few:,}"
    for _ in range(bench.pairs):
        bench.recorded(small, bench.smtp_sink, few)
        bench.recorded(kept, bench.smtp_sink, many)
        bench.ours(plain, bench.smtp_sink, many)
    said = bench.versus(kept, plain)
    yield Row(
        case=f"{many:,} recipients: recorded beside unrecorded",
        figure=bench.ratio(kept, plain),
        target=0.9,
        form="{:.2f} times",
        detail=said,
    )
    most, least = bench.middle(kept, peak), bench.middle(small, peak)
    yield Row(case="the same, peak memory of any process", figure=most, target=150, form="{:.0f} MB", more=False)
    said = f"{least:.0f} MB at {few:,}"
    yield Row(
        case="the same, memory flat: grown by",
        figure=most - least,
        target=10,
        form="{:.0f} MB",
        more=False,
        detail=said,
    )


CASES: Mapping[str, Callable[[Bench], Iterator[Row]]] = {
    "near": near,
    "far": far,
    "far-chunking": far_chunking,
    "signed": signed,
    "users": users,
    "freeze": freezing,
    "million": million,
}
#: It takes longer than all others together: `make bench-million`.
LONG = "million"


# Printing


def described(bench: Bench) -> str:
    """The machine, the message and the senders' defaults."""
    from dissemination.channels.email import EmailSettings  # noqa: PLC0415 - what it has is asked

    fields = {name: EmailSettings.model_fields.get(name) for name in ("connections", "depth", "processes")}
    defaults = [f"window {bench.window}", *(f"{name} {found.default}" for name, found in fields.items() if found)]
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    return (
        f"{machine()}, kernel {platform.release()}, load {load}; {bench.size:,} bytes a message, "
        f"{bench.pairs} interleaved pairs, defaults: {', '.join(defaults)}"
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def every_run(bench: Bench) -> str:
    """Medians of every kind of run."""
    heads = ("run", "messages", "messages a second", "CPU µs a message", "peak MB", "start-up s")
    rows = [
        (
            name,
            f"{runs[0]['messages']:,}",
            f"{bench.middle(name, rate):,.0f}",
            f"{bench.middle(name, cpu):,.0f}",
            f"{bench.middle(name, peak):.0f}" if "peak" in runs[0] else "",
            f"{bench.middle(name, lambda facts: facts['startup']):.2f}" if "startup" in runs[0] else "",
        )
        for name, runs in bench.runs.items()
    ]
    return table(heads, rows)


def report(bench: Bench, before: str, rows: Sequence[Row]) -> str:
    heads = ("case", "measured", "to reach", "verdict", "")
    return (
        f"Measured on {datetime.now(UTC):%d %B %Y}: {before}. Load at the end: {os.getloadavg()[0]:.2f}.\n\n"
        f"{table(heads, [row.cells() for row in rows])}\n"
        f"Every kind of run, medians:\n\n{every_run(bench)}"
    )


def write(page: Path, text: str, case: str) -> None:
    """Put the report between the page's marks."""
    start, end = f"<!-- {case}: begin -->", f"<!-- {case}: end -->"
    before, _, rest = page.read_text("utf-8").partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page}: has no place for the report ({start} … {end})")
    page.write_text(f"{before}{start}\n{text}{end}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages, three pairs")
    parser.add_argument("--case", action="append", choices=CASES)
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--write", type=Path, metavar="PAGE")
    wish = parser.parse_args()
    cases = wish.case or [name for name in CASES if name != LONG]
    servers.CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=servers.CACHE, prefix="run-") as place:
        bench = Bench(work=Path(place), pairs=wish.pairs or (3 if wish.quick else 7), scale=10 if wish.quick else 1)
        bench.weigh()
        before = described(bench)
        rows = [row for name in cases for row in CASES[name](bench)]
        text = report(bench, before, rows)
    print(text)
    if wish.write:
        write(wish.write, text, LONG if cases == [LONG] else "table")
    raise SystemExit(not all(row.reached for row in rows))


if __name__ == "__main__":
    main()
