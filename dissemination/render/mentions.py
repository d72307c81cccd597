"""Partners in posts: `@{key}` as each network knows them, by handle, by URN, or by plain name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from dissemination.errors import RenderError
from dissemination.model import Mention, Partner
from dissemination.model.naming import NAMING, keys, named

_URN = re.compile(r"urn:li:(?:organization|person):[\w-]+")
#: Behind a handle that is a host name these go on with it, where a sentence would not.
_HOST_GOES_ON = re.compile(r"[.-]?\w")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """Everybody whom one network's post may name."""

    #: key -> how the partner stands in the text, and whom that means; without a target it is a name like any other.
    known: Mapping[str, Mention]
    #: What errors begin with.
    where: str

    def spell(self, text: str) -> str:
        """The text with handles and names in place of the keys.

        Raises:
            RenderError: a handle would melt into the word beside it.
        """
        for match in NAMING.finditer(text) if "@{" in text else ():
            self._check_edges(match, text)
        return named(text, {key: mention.text for key, mention in self.known.items()})

    def _check_edges(self, match: re.Match[str], text: str) -> None:
        handle = self.known[match[1]].text
        if not handle.startswith("@"):
            return
        behind = _HOST_GOES_ON.match(text, match.end()) if "." in handle else re.match(r"\w", text[match.end() :])
        if behind or re.search(r"\w\Z", text[: match.start()]):
            said = f"{match[0]} stands inside a word, where {handle} names nobody; write a space beside it"
            raise RenderError(f"{self.where}: {said}")

    def listed(self, wanted: Iterable[str], texts: Iterable[str]) -> tuple[str, ...]:
        """Those of the wanted keys that mean somebody on this network and whom no text names, as written there."""
        shown = "\n".join(texts)
        found = (self.known[key] for key in dict.fromkeys(wanted))
        return tuple(one.text for one in found if one.target and one.text not in shown)

    def shown(self, parts: Iterable[str]) -> tuple[Mention, ...]:
        """Who is really mentioned in these parts."""
        text = "\n".join(parts)
        found = (one for one in self.known.values() if one.target and one.text in text)
        return tuple(dict.fromkeys(found))

    @property
    def names(self) -> tuple[str, ...]:
        """What must not be cut."""
        return tuple(one.text for one in self.known.values())


def mentions_of(  # noqa: PLR0913 - six facts, each by its name
    *,
    texts: Iterable[str],
    listed: Iterable[str],
    network: str,
    lang: str,
    partners: Mapping[str, Partner],
    where: str,
) -> Mentions:
    """Everybody whom these texts name by key, and those listed besides, as the network knows them.

    Args:
        texts: as they were written.
        listed: further keys.
        network: the channel's name; "mastodon-ro" has the handles of "mastodon" where it has none of its own.
        lang: the post's language, for names.
        partners: the directory.
        where: what errors begin with.

    Raises:
        RenderError: there is no such partner, and the text names the nearest; or a handle is none.
    """
    known: dict[str, Mention] = {}
    for key in dict.fromkeys((*keys(texts), *listed)):
        if key not in partners:
            raise RenderError(f"{where}: `{key}` names no partner; {_advice(key, partners)}")
        known[key] = _mention(partners[key], network, lang, where)
    return Mentions(known=known, where=where)


def _advice(key: str, partners: Mapping[str, Partner]) -> str:
    by_case = {name.casefold(): name for name in partners}
    near = get_close_matches(key.casefold(), by_case, n=1, cutoff=0.6)
    return f"write @{{{by_case[near[0]]}}}" if near else f"write one of: {', '.join(partners) or 'none is set up'}"


def _mention(partner: Partner, network: str, lang: str, where: str) -> Mention:
    family = re.split("[-_]", network, maxsplit=1)[0]
    handle = partner.handles.get(network) or partner.handles.get(family) or ""
    if not handle.strip():
        return Mention(text=partner.called(lang), target="")
    try:
        return _WAYS.get(network, _WAYS.get(family, _at))(handle, partner, lang)
    except ValueError as error:
        raise RenderError(f"{where}: partners.{partner.key}.handles.{family}: {error}") from error


def _at(handle: str, _partner: Partner, _lang: str) -> Mention:
    name = handle.strip().removeprefix("@")
    return Mention(text=f"@{name}", target=name)


def _bluesky(handle: str, partner: Partner, lang: str) -> Mention:
    """A handle, a DID, or both; a DID lasts when the handle changes, and nobody can read it."""
    words = handle.split()
    did = next((word for word in words if word.startswith("did:")), "")
    name = next((word.removeprefix("@") for word in words if word != did), "")
    return Mention(text=f"@{name}" if name else partner.called(lang), target=did or name)


def _linkedin(handle: str, partner: Partner, _lang: str) -> Mention:
    """The URN, and behind it the page's name where it is not the partner's: LinkedIn links the exact name alone."""
    urn, _, name = handle.strip().partition(" ")
    if not _URN.fullmatch(urn):
        raise ValueError(f"`{urn}` is no URN; write urn:li:organization: and the page's number")
    return Mention(text=name.strip() or partner.name, target=urn)


#: Networks whose mentions are more than "@" and the handle.
_WAYS: Mapping[str, Callable[[str, Partner, str], Mention]] = {"bluesky": _bluesky, "linkedin": _linkedin}
