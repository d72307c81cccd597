"""Rules on a rendered post, as it would go out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from dissemination.checks.findings import E, W, guarded, shortened
from dissemination.model import Finding, Level, Post, Project
from dissemination.model.naming import keys

#: What a rule says: rule, level, message, fix, what was seen.
_Said = tuple[str, Level, str, str, str]


def check_post(post: Post, project: Project) -> list[Finding]:
    """Everything that is wrong with a post; errors must keep it from being sent."""
    path = f"post ({post.network})"

    def finding(said: _Said) -> Finding:
        rule, level, message, fix, seen = said
        return Finding(rule=rule, level=level, path=path, message=message, fix=fix, seen=shortened(seen))

    def all_of(rule: Callable[[Post, Project], Iterable[_Said]]) -> Iterator[Finding]:
        return (finding(said) for said in rule(post, project))

    return [found for rule in _RULES for found in guarded(all_of, rule.__name__, path, rule)]


def words(post: Post, _project: Project) -> Iterator[_Said]:
    """There is something to read, in every part."""
    parts = (post.text, *post.thread)
    if not all(part.strip() for part in parts) and not (post.pictures and not post.thread):
        yield "post-empty", E, "a part without words", "write a title, or posts.<network>.text", ""
    for part in parts:
        # Networks refuse or drop control characters, each in its own way.
        if any((ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160 for char in part):
            yield "post-control", E, "a control character", "delete it", part


def length(post: Post, _project: Project) -> Iterator[_Said]:
    """It fits."""
    if post.limit and post.length > post.limit:
        message = f"{post.length} of {post.limit} characters"
        yield "post-long", E, message, f"shorten posts.{post.network}.text, or the title", post.text


def naming(post: Post, _project: Project) -> Iterator[_Said]:
    """No partner's key is left."""
    for part in (post.text, *post.thread, post.warning, post.title, post.summary):
        for key in keys(part.splitlines()):
            yield "post-naming", E, f"`@{{{key}}}` names nobody", "write the key of a partner", part


def link(post: Post, project: Project) -> Iterator[_Said]:
    """The link is whole."""
    if post.link and not post.link.startswith(("https://", f"{project.public_url}/")):
        level = W if post.link.startswith("http://") else E
        yield (
            "post-link",
            level,
            "the link is no https address",
            "write the whole address, with https://",
            post.link,
        )


def pictures(post: Post, _project: Project) -> Iterator[_Said]:
    """Pictures are described, unless somebody said that nothing is lost without them."""
    for picture in post.pictures:
        if not picture.alt.strip() and not picture.decorative:
            fix = "write image.alt, unless it is decorative"
            yield "post-alt", E, "a picture without alternative text", fix, picture.digest


def language(post: Post, project: Project) -> Iterator[_Said]:
    """It is in one of the project's languages."""
    if post.lang not in project.languages:
        fix = f"write one of: {', '.join(project.languages)}"
        yield "post-lang", E, f"`{post.lang}` is none of the project's languages", fix, post.lang


_RULES: tuple[Callable[[Post, Project], Iterable[_Said]], ...] = (words, length, naming, link, pictures, language)
