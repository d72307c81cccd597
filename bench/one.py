"""One measured run in a process of its own: `python bench/one.py CASE …` prints one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import smtplib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

START = time.perf_counter()

import aiosmtplib  # noqa: E402 - what starting costs is told apart from what sending costs
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from drive import PATIENCE, Meter, drive  # noqa: E402
from jinja2 import Environment  # noqa: E402

from dissemination.bootstrap import SystemClock, opened  # noqa: E402
from dissemination.channels.email import EmailChannel, make  # noqa: E402
from dissemination.model import Letter, Mail, Message, Segments, Slot  # noqa: E402
from dissemination.pipeline import content as codec  # noqa: E402
from dissemination.ports import ChannelOptions, Line  # noqa: E402
from dissemination.testing import sample_project  # noqa: E402

DATE = datetime(2026, 11, 24, 9, tzinfo=UTC)
SENDER = "news@microfuture.example"
SITE = "https://news.microfuture.example"
POOL = 8

Facts = dict[str, object]


def values(number: int) -> Mapping[str, str]:
    """What differs from person to person; the links are as long as the product's own."""
    return {
        "name": f"Reader Nr {number}",
        "email": f"reader{number}@mail{number % 500}.example",
        "unsubscribe_url": f"{SITE}/u/{number:036}",
        "preferences_url": f"{SITE}/p/{number:036}",
    }


def read_letter(file: Path) -> tuple[Letter, str]:
    """The letter of the prepared project, and a name for its bytes."""
    [letter] = codec.letters(file.read_bytes()).values()
    return letter, "letter"


def messages(wish: argparse.Namespace) -> Iterator[Message]:
    """One by one, as the product makes them from its database."""
    letter, digest = read_letter(wish.letter)
    for number in range(wish.messages):
        words = values(number)
        mail = Mail(
            letter=letter,
            digest=digest,
            address=words["email"],
            name=words["name"],
            values=words,
            date=DATE,
            list_id="news",
            bounce=f"{number:032x}",
        )
        yield Message(key=f"weekly-2026-11-24:email:1/{number}", body=mail)


def channel(wish: argparse.Namespace) -> EmailChannel:
    """The product's own channel, from its settings."""
    folder = wish.letter.parent
    return make(
        ChannelOptions(
            name="email",
            settings=json.loads(wish.settings),
            project=sample_project(root=folder),
            secret=lambda _: None,
            public=folder / "feeds",
            outbox=folder / "outbox",
            clock=SystemClock(),
        )
    )


def ours(wish: argparse.Namespace) -> Facts:
    """Our sender, nothing recorded."""
    email = channel(wish)
    line = email.line(wish.messages)
    ready, meter = time.perf_counter() - START, Meter()
    result = drive(line, messages(wish))
    facts = meter.read()
    line.close(PATIENCE)
    email.close()
    return {"messages": result.sent, "failed": result.failed, "reasons": result.reasons, "startup": ready, **facts}


class Timed:
    """A line that notes when it was first given something, and what helpers had used before it was closed."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.room, self.outcomes, self.carry_on = line.room, line.outcomes, line.carry_on

    def give(self, batch: list[Message]) -> None:
        Recorded.meter = Recorded.meter or Meter()
        self._line.give(batch)

    def close(self, patience: float) -> object:
        if Recorded.meter:
            Recorded.last = Recorded.meter.read()
        return self._line.close(patience)


class Recorded:
    """The measure of a run that the product drives itself."""

    meter: Meter | None = None
    last: Mapping[str, float] = {}


def recorded(wish: argparse.Namespace) -> Facts:
    """The product itself: `disseminate publish` on a prepared project, every delivery written down."""
    plain: Callable[[EmailChannel, int], Line] = EmailChannel.line
    EmailChannel.line = lambda email, expected=0: Timed(plain(email, expected))  # type: ignore[assignment,method-assign]
    with opened(wish.project) as app, app.publishing():
        ready = time.perf_counter() - START
        tally = app.publish()
        meter = Recorded.meter or Meter()
        facts = meter.read()
        window = app.parts.rules.window
    # What is written after the last outcome counts; the helpers' share is known while they are there.
    helpers = {name: Recorded.last.get(name, 0) for name in ("helpers_cpu", "helpers_peak")}
    return {"messages": tally.mails, "failed": 0, "startup": ready, "window": window, **facts, **helpers}


def freeze(wish: argparse.Namespace) -> Facts:
    """Writing the audience down as rows."""
    with opened(wish.project) as app, app.publishing():
        [edition] = [line.publication for line in app.plan().lines if line.publication.channel == "email"]
        meter = Meter()
        people = app.parts.store.deliveries.freeze(edition.key, edition.audience)
        return {"messages": people, **meter.read()}


def template(segments: Segments) -> str:
    """The letter as a template of Jinja2."""
    return "".join(f"{{{{ {s.name} }}}}" if isinstance(s, Slot) else s for s in segments)


def with_smtplib(wish: argparse.Namespace) -> Facts:
    """What a programmer does first: the standard library, a message built and sent for each, one connection."""
    letter, _ = read_letter(wish.letter)
    text = Environment(autoescape=False).from_string(template(letter.text))
    html = Environment(autoescape=True).from_string(template(letter.html))
    meter = Meter()
    with smtplib.SMTP("127.0.0.1", wish.port) as smtp:
        for number in range(wish.messages):
            words = values(number)
            smtp.send_message(build(letter, words, text.render(words), html.render(words)))
    return {"messages": wish.messages, "failed": 0, **meter.read()}


def build(letter: Letter, words: Mapping[str, str], text: str, html: str) -> EmailMessage:
    """One message of the standard library."""
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = f"MICROFUTURE News <{SENDER}>"
    message["To"] = f"{words['name']} <{words['email']}>"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="microfuture.example")
    message["List-Id"] = "<news.microfuture.example>"
    message["List-Unsubscribe"] = f"<{words['unsubscribe_url']}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


def with_aiosmtplib(wish: argparse.Namespace) -> Facts:
    """What a careful programmer does: one message prepared as bytes, words replaced, eight connections kept."""
    letter, _ = read_letter(wish.letter)
    marks = {name: f"MARK{number}MARK" for number, name in enumerate(values(0))}
    whole = build(letter, marks, _filled(letter.text, marks), _filled(letter.html, marks)).as_bytes()
    if whole.count(b"MARK") != 2 * sum(whole.count(mark.encode()) for mark in marks.values()):
        raise SystemExit("bench: a line was broken inside a mark; change the marks")
    skeleton = whole.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    meter = Meter()
    asyncio.run(_pooled(wish, skeleton, {name: mark.encode() for name, mark in marks.items()}))
    return {"messages": wish.messages, "failed": 0, **meter.read()}


def _filled(segments: Segments, words: Mapping[str, str]) -> str:
    return "".join(words[s.name] if isinstance(s, Slot) else s for s in segments)


async def _pooled(wish: argparse.Namespace, skeleton: bytes, marks: Mapping[str, bytes]) -> None:
    numbers = iter(range(wish.messages))

    async def worker() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=wish.port, start_tls=False) as smtp:
            for number in numbers:
                words, body = values(number), skeleton
                for name, mark in marks.items():
                    body = body.replace(mark, words[name].encode())
                await smtp.sendmail(SENDER, [words["email"]], body)

    await asyncio.gather(*(worker() for _ in range(POOL)))


def signature(wish: argparse.Namespace) -> Facts:
    """What one RSA-2048 signature costs in the library that signs our mail."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    header = b"h" * 900  # about as long as the signed header fields
    meter = Meter()
    for _ in range(wish.messages):
        key.sign(header, padding.PKCS1v15(), hashes.SHA256())
    return {"messages": wish.messages, **meter.read()}


CASES: Mapping[str, Callable[[argparse.Namespace], Facts]] = {
    "ours": ours,
    "recorded": recorded,
    "freeze": freeze,
    "smtplib": with_smtplib,
    "aiosmtplib": with_aiosmtplib,
    "signature": signature,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--letter", type=Path, default=Path())
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument("--settings", default="{}", help="channels.email as JSON")
    wish = parser.parse_args()
    json.dump(CASES[wish.case](wish), sys.stdout)
    print()


if __name__ == "__main__":
    main()
