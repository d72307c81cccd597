"""Everything that is rendered, behind one door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dissemination.errors import RenderError
from dissemination.model import (
    Edition,
    Entry,
    EntryPicture,
    Image,
    Letter,
    Limits,
    NewsItem,
    Picture,
    Post,
    Posting,
    Project,
    Site,
)
from dissemination.ports import Pictures
from dissemination.render import feed, pages
from dissemination.render.counting import fits
from dissemination.render.dress import Dress
from dissemination.render.environment import make_environment
from dissemination.render.feed_memory import Memory
from dissemination.render.newsletter import letter
from dissemination.render.post import fit


class Rendering:
    """Implements `ports.Renderer`.

    Args:
        project: facts of the project.
        templates: the project's own templates, which replace shipped ones of the same name; None: none.
        shop: makes the funding visual for the public pages; None: they show the statement alone.
    """

    def __init__(self, project: Project, templates: Path | None = None, shop: Pictures | None = None) -> None:
        self._project = project
        self._site = Site(public_url=project.public_url)
        self._environment = make_environment(templates)
        self._shop = shop
        self._memory = Memory()

    def letter(self, edition: Edition, lang: str, pictures: Mapping[str, Picture]) -> Letter:
        """The newsletter in one language; see `newsletter.letter`."""
        return letter(edition, lang, pictures, self._project, self._site, self._environment)

    def post(
        self,
        item: NewsItem,
        network: str,
        limits: Limits,
        pictures: Mapping[str, Picture],
        posting: Posting = Posting(),  # noqa: B008 - frozen
    ) -> Post:
        """The item fitted to a network; see `post.fit`."""
        return fit(item, network, limits, pictures, self._project, self._site, posting)

    def holds(self, post: Post, limits: Limits) -> bool:
        """Whether a network with these limits takes a post that was fitted to others; a warning counts as text."""
        most = limits.pictured_length if post.pictures and limits.pictured_length else limits.max_length
        first = f"{post.warning} {post.text}" if post.warning else post.text
        return (
            fits(first, replace(limits, max_length=most))
            and all(fits(text, limits) for text in post.thread)
            and (limits.threads or not post.thread)
            and len(post.pictures) <= limits.pictures
            and all(not limits.alt_length or len(one.alt) <= limits.alt_length for one in post.pictures)
        )

    def entry(self, item: NewsItem, pictures: Mapping[str, Picture], translations: Mapping[str, NewsItem]) -> Entry:
        """The item as feeds and pages carry it; see `feed.entry`."""
        return feed.entry(item, pictures, translations, self._project, self._site)

    def files(self, entries: Iterable[Entry], before: Iterable[Entry] = ()) -> Mapping[str, bytes]:
        """Every feed and page, with the funding visual that the pages show; see `feed.files`."""
        picture = self._visual()
        made = feed.files(
            entries,
            self._project,
            self._site,
            self._environment,
            self._shown(picture) if picture else None,
            before=before,
            memory=self._memory,
        )
        return {**made, f"media/{picture.name}": picture.body} if picture else made

    def feeds(self, paths: Iterable[str]) -> Sequence[str]:
        """Those that readers subscribe to; see `feed.subscribed`."""
        return feed.subscribed(paths)

    def edition(self, id_: str, letters: Mapping[str, Letter]) -> Mapping[str, bytes]:
        """The pages of an edition, with the style sheet and the funding visual; see `pages.edition`."""
        picture = self._visual()
        shown = self._shown(picture) if picture else None
        made = pages.edition(id_, letters, Dress(self._project, self._site, self._environment, shown))
        return {**made, f"media/{picture.name}": picture.body} if made and picture else made

    def _shown(self, picture: Picture) -> EntryPicture:
        return EntryPicture(
            url=self._site.media(picture),
            media_type=picture.media_type,
            size=len(picture.body),
            width=picture.width,
            height=picture.height,
            alt=self._project.funding.visual_alt.get(self._project.default_lang, ""),
        )

    def _visual(self) -> Picture | None:
        """Pages that are out go on without a visual that was moved away: the newsletter refuses to."""
        path = self._project.funding.visual
        if path is None or self._shop is None:
            return None
        try:
            return self._shop.prepare(Image(src=path.name, file=path))
        except RenderError:
            return None
