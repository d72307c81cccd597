"""Feed readers of others, driven as people use them: each is told addresses once, and fetches when it is told to.

newsboat and rss2email are Debian's, `reader` and feedparser come from PyPI, feedsmith from npm. Nothing of them is
replaced; each keeps what it knows in a folder of its own.
"""

from __future__ import annotations

import json
import mailbox
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from email import message_from_bytes, policy
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar

import feedparser
import feedparser_sgmllib
from reader import make_reader

# reader carries an older feedparser, which asks for the module by the name that it had in Python 2 and is nowhere
# required. Today's feedparser brings the same module along.
sys.modules.setdefault("sgmllib", feedparser_sgmllib)

FEEDSMITH = Path(os.environ.get("DISSEMINATION_FEEDSMITH", ""))
_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An item as a reader shows it; "" and () where it does not show that."""

    id: str
    title: str
    link: str
    text: str
    #: (address, media type, length), what is not told left out.
    files: tuple[tuple[str, ...], ...] = ()
    lang: str = ""
    #: Whether it was told as a change of what is already there.
    reply: bool = False


class Program:
    """A program with a folder and addresses of its own."""

    name: ClassVar[str]

    def __init__(self, folder: Path, addresses: Sequence[str]) -> None:
        self.folder = folder
        self.addresses = addresses
        folder.mkdir(parents=True)
        self.begin()

    @classmethod
    def lack(cls) -> str:
        """What must be installed first; "": nothing."""
        return ""

    @classmethod
    def version(cls) -> str:
        """As it says itself."""
        return version(cls.name)

    def begin(self) -> None:
        """Subscribe."""

    def fetch(self) -> None:
        """Look for news."""
        raise NotImplementedError

    def items(self) -> list[Seen]:
        """Everything that it shows now."""
        raise NotImplementedError

    def end(self) -> None:
        """Let go of what it holds."""

    def run(self, *words: str | Path) -> str:
        """Run a program in the folder, which is its home, too."""
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            list(map(str, words)),
            check=False,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _installed(program: str, package: str) -> str:
    return "" if shutil.which(program) else f"no {program}; on Debian: apt-get install {package}"


class Newsboat(Program):
    name = "newsboat"

    @classmethod
    def lack(cls) -> str:
        return _installed("newsboat", "newsboat")

    @classmethod
    def version(cls) -> str:
        said = subprocess.run(["newsboat", "--version"], capture_output=True, text=True, check=True).stdout
        return re.search(r"\d+\.\d+(\.\d+)?", said)[0]

    def begin(self) -> None:
        (self.folder / "urls").write_text("\n".join(self.addresses) + "\n", "utf-8")
        (self.folder / "config").write_text("download-retries 1\n", "utf-8")

    def fetch(self) -> None:
        self.run("newsboat", "-u", "urls", "-C", "config", "-c", "cache.db", "-x", "reload")

    def items(self) -> list[Seen]:
        line = sqlite3.connect(self.folder / "cache.db")
        rows = line.execute(
            "SELECT guid, title, url, content, enclosure_url, enclosure_type FROM rss_item WHERE deleted = 0"
        ).fetchall()
        line.close()
        return [
            Seen(id=guid, title=title, link=url, text=text, files=((file, kind),) if file else ())
            for guid, title, url, text, file, kind in rows
        ]


class Rss2email(Program):
    name = "rss2email"
    #: Settings besides where mail goes.
    more: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def lack(cls) -> str:
        return _installed("r2e", "rss2email")

    @classmethod
    def version(cls) -> str:
        said = subprocess.run(["r2e", "--version"], capture_output=True, text=True, check=True).stdout
        return said.split()[-1]

    def begin(self) -> None:
        self._r2e("new", "ana@mail.example")
        ours = {
            "email-protocol": "maildir",
            "maildir-path": str(self.folder),
            "maildir-mailbox": "mails",
            **self.more,
        }
        path = self.folder / "rss2email.cfg"
        settings = ConfigParser(interpolation=None)
        settings.read(path, "utf-8")
        settings["DEFAULT"].update(ours)
        with path.open("w", encoding="utf-8") as file:
            settings.write(file)
        for number, address in enumerate(self.addresses):
            self._r2e("add", f"feed{number}", address)

    def fetch(self) -> None:
        self._r2e("run")

    def items(self) -> list[Seen]:
        box = mailbox.Maildir(self.folder / "mails")
        return [_of_mail(message_from_bytes(box.get_bytes(key), policy=policy.default)) for key in box.keys()]  # noqa: SIM118 - a mailbox is no dict

    def _r2e(self, *words: str) -> None:
        self.run("r2e", "-c", "rss2email.cfg", "-d", "rss2email.json", *words)


def _of_mail(mail: Any) -> Seen:
    text = mail.get_content()
    return Seen(
        id=mail["X-RSS-ID"],
        title=str(mail["Subject"]),
        link=mail["X-RSS-URL"],
        text=text,
        files=tuple((address,) for address in re.findall(r"^Enclosure:\s+<?(\S+?)>?\s*$", text, re.MULTILINE)),
        reply=mail["In-Reply-To"] is not None,
    )


class Rss2emailReplies(Rss2email):
    """With the setting for who wants to hear of changes."""

    more: ClassVar[Mapping[str, str]] = {"reply-changes": "True"}


class Reader(Program):
    name = "reader"

    def begin(self) -> None:
        self._reader = make_reader(str(self.folder / "reader.db"))
        for address in self.addresses:
            self._reader.add_feed(address)

    def fetch(self) -> None:
        # Now, and not when the hour is over that it waits between two fetches.
        self._reader.update_feeds(scheduled=False)

    def items(self) -> list[Seen]:
        return [
            Seen(
                id=one.id,
                title=one.title,
                link=one.link,
                text=one.content[0].value if one.content else one.summary or "",
                lang=(one.content[0].language or "") if one.content else "",
                files=tuple((file.href, file.type, str(file.length)) for file in one.enclosures),
            )
            for one in self._reader.get_entries()
        ]

    def end(self) -> None:
        self._reader.close()


class Feedparser(Program):
    """A library that keeps nothing: we keep what it says by id, and give back tags and times, as its users do."""

    name = "feedparser"

    def begin(self) -> None:
        self._known: dict[str, Seen] = {}
        self._last: dict[str, tuple[str | None, str | None]] = {}

    def fetch(self) -> None:
        for address in self.addresses:
            tag, modified = self._last.get(address, (None, None))
            parsed = feedparser.parse(address, etag=tag, modified=modified)
            if parsed.status == 200:
                self._last[address] = (parsed.get("etag"), parsed.get("modified"))
                self._known |= {one.id: self._seen(parsed.feed, one) for one in parsed.entries}

    def items(self) -> list[Seen]:
        return list(self._known.values())

    @staticmethod
    def _seen(feed: Any, one: Any) -> Seen:
        content = one.content[0]
        return Seen(
            id=one.id,
            title=one.title,
            link=one.link,
            text=content.value,
            lang=feed.get("language") or content.get("language") or "",
            files=tuple((file.href, file.type, file.length) for file in one.enclosures),
        )


class Feedsmith(Program):
    """The same for programs in JavaScript: it parses, and feedsmith.mjs fetches as its users do."""

    name = "feedsmith"

    @classmethod
    def lack(cls) -> str:
        if shutil.which("node") is None:
            return "no node; on Debian: apt-get install nodejs npm"
        if not (FEEDSMITH / "complete").exists():
            return "no feedsmith: .ci/install-feedsmith FOLDER, then DISSEMINATION_FEEDSMITH=FOLDER"
        return ""

    @classmethod
    def version(cls) -> str:
        return json.loads((FEEDSMITH / "node_modules/feedsmith/package.json").read_text("utf-8"))["version"]

    def begin(self) -> None:
        self._known: dict[str, Seen] = {}
        self._tags: dict[str, str] = {}

    def fetch(self) -> None:
        asked = [word for address in self.addresses for word in (address, self._tags.get(address, ""))]
        answers = json.loads(self.run("node", _HERE / "feedsmith.mjs", FEEDSMITH, *asked))
        for address, answer in zip(self.addresses, answers, strict=True):
            if answer["status"] == 200:
                self._tags[address] = answer["tag"]
                self._known |= {one.id: one for one in _of_feedsmith(answer)}

    def items(self) -> list[Seen]:
        return list(self._known.values())


def _of_feedsmith(answer: Mapping[str, Any]) -> list[Seen]:
    feed, read = answer["feed"], {"rss": _of_rss, "atom": _of_atom, "json": _of_json}[answer["format"]]
    return [read(feed, one) for one in feed.get("items") or feed.get("entries") or ()]


def _of_rss(feed: Any, one: Any) -> Seen:
    return Seen(
        id=one["guid"]["value"],
        title=one["title"],
        link=one["link"],
        text=one["content"]["encoded"],
        lang=feed.get("language", ""),
        files=tuple((file["url"], file["type"], str(file["length"])) for file in one.get("enclosures", ())),
    )


def _of_atom(_: Any, one: Any) -> Seen:
    links = [(link.get("rel"), link) for link in one["links"]]
    return Seen(
        id=one["id"],
        title=_words(one["title"]),
        link=next(link["href"] for rel, link in links if rel == "alternate"),
        text=_words(one["content"]),
        lang=next(link.get("hreflang", "") for rel, link in links if rel == "alternate"),
        files=tuple((link["href"], link["type"], str(link["length"])) for rel, link in links if rel == "enclosure"),
    )


def _of_json(feed: Any, one: Any) -> Seen:
    return Seen(
        id=one["id"],
        title=one["title"],
        link=one["url"],
        text=one["content_html"],
        lang=feed.get("language", ""),
        files=tuple(
            (file["url"], file["mime_type"], str(file["size_in_bytes"])) for file in one.get("attachments", ())
        ),
    )


def _words(text: Any) -> str:
    return text if isinstance(text, str) else text["value"]
