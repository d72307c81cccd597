"""Posts in words: what `plan` and `preview` show of the very bytes that go out."""

from __future__ import annotations

from dissemination.errors import RenderError, StoreError
from dissemination.model import Carries, Post
from dissemination.pipeline import content as codec
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.plan import Planned


def post_of(parts: Parts, line: Planned) -> Post | None:
    """The post of a line, as approved or as rendered now; None: it is none, or cannot be rendered."""
    channel = parts.channels.get(line.publication.channel)
    if channel is None or channel.limits.carries is not Carries.POST:
        return None
    body = _body(parts, line)
    return codec.post(body) if body else None


def _body(parts: Parts, line: Planned) -> bytes:
    if line.content is not None:
        return line.content.body
    try:
        return parts.store.contents.body(line.publication.content)
    except StoreError:
        pass  # nobody approved it, and nothing of it was kept
    try:
        return line.proposal.render().body if line.proposal else b""
    except RenderError:
        return b""


def facts(post: Post, most: int) -> list[str]:
    """Whose words they are and how long, part by part, and what goes with them.

    Args:
        post: as rendered.
        most: what the network allows a further part of a thread; 0: no limit.
    """
    lines = [f"{post.lang}: {_of(post.length, post.limit)}"]
    lines += [f"part {number}: {_of(length, most)}" for number, length in enumerate(post.lengths, start=2)]
    lines += [f"content warning: {post.warning}"] if post.warning else []
    lines += [f"mentions {one.text}" + _aside(one.target, one.text) for one in post.mentions]
    lines += [f"picture: {one.alt or '(decorative)'}" for one in post.pictures]
    return lines


def words(post: Post) -> str:
    """Every part as it goes out."""
    return "\n\n--\n\n".join((post.text, *post.thread))


def _of(length: int, most: int) -> str:
    return f"{length:,} of {most:,}" if most else "no limit of length"


def _aside(target: str, text: str) -> str:
    return "" if text == f"@{target}" else f" ({target})"
