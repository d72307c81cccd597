"""Ways to pass a page on: plain links that ask nobody anything until somebody follows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from dissemination.render.strings import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A link and what it says."""

    text: str
    url: str


#: Network -> the address that opens its composer. Mastodon's own page asks for the reader's server; what stands
#: behind "#" stays in the browser.
_NETWORKS = {
    "Mastodon": "https://share.joinmastodon.org/#text={both}",
    "Bluesky": "https://bsky.app/intent/compose?text={both}",
    "LinkedIn": "https://www.linkedin.com/sharing/share-offsite/?url={url}",
    "X": "https://x.com/intent/post?text={title}&url={url}",
}
_MAIL = "mailto:?subject={title}&body={both}"


def ways(title: str, url: str, words: Words) -> Sequence[Way]:
    """Mail first, then networks."""
    holes = {"title": _quoted(title), "url": _quoted(url), "both": _quoted(f"{title}\n\n{url}")}
    mail = Way(text=words.share_mail, url=_MAIL.format(**holes).replace("%0A", "%0D%0A"))
    networks = (
        Way(text=words.share_on.format(network=name), url=address.format(**holes))
        for name, address in _NETWORKS.items()
    )
    return (mail, *networks)


def _quoted(text: str) -> str:
    return quote(text, safe="")
