"""What every channel would carry, as files to look at. Nothing is sent and nothing is stored."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import replace

from dissemination.errors import DisseminationError
from dissemination.model import Carries, Content, Entry, Letter, Limits, Post, Publication, Segments, State, dollars
from dissemination.pipeline import content as codec
from dissemination.pipeline import told
from dissemination.pipeline.compose import Composer
from dissemination.pipeline.gather import read
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.timing import WAITING, bills


def preview(parts: Parts) -> Mapping[str, bytes]:
    """Relative path -> file: mail/, posts/, site/ and an index.html that leads to all of them."""
    files: dict[str, bytes] = {}
    rows: list[str] = []
    entries: list[Entry] = []
    planned: list[Publication] = []
    room = read(parts, mint=False)
    for proposal in Composer(parts, room, parts.store.publications.latest(), write=False).proposals():
        publication = proposal.publication
        try:
            content = proposal.render()
        except DisseminationError as error:
            rows.append(_row(publication, f"cannot go out: {error}", ()))
            continue
        publication = replace(publication, price=content.price)
        planned.append(publication)
        files |= {f"site/media/{picture.name}": picture.body for picture in content.pictures.values()}
        made = dict(_files(parts, publication, content, entries))
        files |= made
        rows.append(_row(publication, proposal.hold or proposal.note, tuple(made)))
    files |= {f"site/{path}": _local(parts, path, body) for path, body in parts.renderer.files(entries).items()}
    files["index.html"] = _index(parts, rows, _costs(parts, planned))
    return files


def _files(
    parts: Parts, publication: Publication, content: Content, entries: list[Entry]
) -> Iterator[tuple[str, bytes]]:
    carries = parts.channels[publication.channel].limits.carries
    if carries is Carries.MAIL:
        for lang, letter in codec.letters(content.body).items():
            name = f"mail/{publication.subject}.{lang}"
            yield f"{name}.html", _for_looking(parts, letter).encode()
            yield f"{name}.txt", f"Subject: {letter.subject}\n\n{_filled(letter.text)}".encode()
        pages = parts.renderer.edition(publication.subject, codec.letters(content.body))
        yield from ((f"site/{path}", _local(parts, path, body)) for path, body in pages.items())
    elif carries is Carries.POST:
        limits = parts.channels[publication.channel].limits
        text = _post(codec.post(content.body), limits, content.price)
        yield f"posts/{publication.channel}/{publication.subject}.txt", text.encode()
    else:
        entry = codec.entry(content.body)
        moment = publication.when or entry.date or parts.clock.now()
        entries.append(replace(entry, published=moment, updated=moment))


def _for_looking(parts: Parts, letter: Letter) -> str:
    """The very HTML, but for pictures: they are looked for beside it, since they are not public yet."""
    return _filled(letter.html).replace(f"{parts.site.public_url}/media/", "../site/media/")


def _local(parts: Parts, path: str, body: bytes) -> bytes:
    """Pages show the pictures that lie beside them; feeds stay as they are."""
    if not path.endswith(".html"):
        return body
    up = "../" * path.count("/")
    return body.replace(f"{parts.site.public_url}/media/".encode(), f"{up}media/".encode())


def _filled(segments: Segments) -> str:
    return "".join(part if isinstance(part, str) else f"[{part.name}]" for part in segments)


def _post(post: Post, limits: Limits, price: int) -> str:
    facts = [*told.facts(post, limits.max_length), *([f"about {dollars(price)}"] if price else [])]
    return f"{post.network}, " + "\n".join(facts) + f"\n\n{told.words(post)}\n"


def _row(publication: Publication, hold: str, paths: tuple[str, ...]) -> str:
    links = " ".join(f'<a href="{html.escape(path)}">{html.escape(path)}</a>' for path in paths)
    price = dollars(publication.price) if publication.price else ""
    words = (publication.subject, publication.channel, publication.title, hold, price)
    cells = "".join(f"<td>{html.escape(word)}</td>" for word in words)
    return f"<tr>{cells}<td>{links}</td></tr>"


def _costs(parts: Parts, planned: list[Publication]) -> str:
    """The month's sum of each network that bills for posts; what is out is part of what was spent."""
    latest = parts.store.publications.latest()
    known = [(latest.get((each.subject, each.channel)), each) for each in planned]
    left = [each for old, each in known if old is None or old.state in {State.DRAFT, *WAITING}]
    lines = [
        f"{bill.channel} in {bill.month:%B}: about {dollars(bill.planned)} planned, {dollars(bill.spent)} spent"
        + (f", {dollars(bill.cap)} at the most" if bill.cap is not None else "")
        for bill in bills(parts, left)
        if bill.planned or bill.spent
    ]
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _index(parts: Parts, rows: list[str], costs: str) -> bytes:
    names = ("Item or edition", "Channel", "Title", "Held", "Cost", "Look")
    head = "".join(f"<th scope=col>{name}</th>" for name in names)
    title = html.escape(f"Preview: {parts.project.acronym}")
    style = "body{font:16px/1.5 system-ui;margin:2rem}td,th{text-align:left;padding:.3rem .8rem;vertical-align:top}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{style}</style>"
        f"<h1>{title}</h1><p>Nothing was sent. Feeds and pages: <a href=site/index.html>site/</a></p>"
        f"{costs}<table><tr>{head}</tr>{''.join(rows)}</table></html>\n"
    ).encode()
