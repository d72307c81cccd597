"""`disseminate check`: every problem of items, and of the posts and editions to come. Nothing is stored."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dissemination.errors import RenderError
from dissemination.model import Finding, Level, NewsItem, Project, Publication, State
from dissemination.pipeline.compose import Composer, Latest, Proposal
from dissemination.pipeline.gather import read
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import Proof

#: An approval is still to come for these; whatever else there is has been checked when it was approved.
_OPEN = frozenset({State.DRAFT, State.IN_REVIEW, State.MISSED})
#: Approved as it stood: looked at again only if something has changed since.
_AGREED = frozenset({State.APPROVED, State.SCHEDULED})


#: The file that `disseminate init` writes.
_PLACEHOLDER = "funding-placeholder.png"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """What was looked at, and what is wrong with it."""

    items: tuple[NewsItem, ...]
    findings: tuple[Finding, ...]
    #: The letters of editions that nobody has approved yet.
    proofs: tuple[Proof, ...] = ()


def inspect(parts: Parts, *, editions: bool = True) -> Inspection:
    """Check items, and the posts and editions that would go out, in every language.

    Args:
        parts: the house.
        editions: False: items alone; nothing is rendered.
    """
    room = read(parts, mint=False)
    findings = [*room.findings, *_placeholder(parts.project), *_nowhere(parts, room.items)]
    if not editions:
        return Inspection(items=room.items, findings=tuple(findings))
    latest = parts.store.publications.latest()
    composer = Composer(parts, room, latest, write=False)
    findings += _posts(composer, latest, room.items)
    proofs: list[Proof] = []
    for proposal in composer.editions():
        if proposal.hold or not _is_open(proposal, latest):
            continue
        try:
            proofs += proposal.proofs()
        except RenderError as error:
            findings.append(_cannot(proposal, error))
    findings += _news(proofs, room.findings)
    return Inspection(items=room.items, findings=tuple(findings), proofs=tuple(proofs))


def _placeholder(project: Project) -> Iterator[Finding]:
    """The picture that a new project begins with is nobody's funding visual."""
    if project.funding.visual is not None and project.funding.visual.name == _PLACEHOLDER:
        yield Finding(
            rule="funding-placeholder",
            level=Level.WARNING,
            path="settings.yaml",
            field="funding.visual.src",
            message="the funding visual is still the placeholder",
            fix="name the picture that your funder prescribes",
        )


def _nowhere(parts: Parts, items: Sequence[NewsItem]) -> Iterator[Finding]:
    """Words for a channel that there is not would go nowhere, without a sound."""
    for item in items:
        for network in item.posts:
            if network not in parts.channels:
                near = difflib.get_close_matches(network, parts.channels, 1, 0.5)
                instead = f"write `posts.{near[0]}`, or" if near else "correct the name, or"
                yield Finding(
                    rule="post-nowhere",
                    level=Level.WARNING,
                    path=item.path,
                    line=item.lines.get(f"posts.{network}", item.lines.get("posts", 0)),
                    field=f"posts.{network}",
                    message=f"no channel is called `{network}`; these words go nowhere",
                    fix=f"{instead} add the channel to settings.yaml",
                )


def _posts(composer: Composer, latest: Latest, items: Sequence[NewsItem]) -> Iterator[Finding]:
    """Why a post in words of the item's own cannot be made. What is made from title and summary is fitted."""
    known = {item.id: item for item in items}
    said: set[Finding] = set()
    for proposal in composer.posts():
        item, channel = known[proposal.publication.items[0]], proposal.publication.channel
        if proposal.hold or not (channel in item.posts or item.reshare) or not _is_open(proposal, latest):
            continue
        try:
            proposal.render()
        except RenderError as error:
            finding = _unpostable(item, channel, str(error))
            if finding not in said:
                said.add(finding)
                yield finding


def _unpostable(item: NewsItem, channel: str, said: str) -> Finding:
    """The renderer names file, channel and field; here each stands in its own place."""
    words = said.removeprefix(f"{item.path}: ").removeprefix(f"{channel}: ")
    field = named[0] if (named := re.match(r"posts\.[\w.-]+(?=: )", words)) else ""
    place = next((path for path in (field, field.rpartition(".")[0], "posts") if path in item.lines), "")
    message, _, fix = words.removeprefix(f"{field}: ").partition("; ")
    return Finding(
        rule="post",
        level=Level.ERROR,
        path=item.path,
        line=item.lines.get(place, 0) if field else 0,
        field=field,
        message=message,
        fix=fix,
    )


def _is_open(proposal: Proposal, latest: Latest) -> bool:
    known: Publication | None = latest.get((proposal.publication.subject, proposal.publication.channel))
    if known is None or known.state in _OPEN:
        return True
    return known.state in _AGREED and known.source != proposal.publication.source


def _cannot(proposal: Proposal, error: RenderError) -> Finding:
    return Finding(rule="edition", level=Level.ERROR, path=proposal.publication.subject, message=str(error))


def _news(proofs: Sequence[Proof], known: Sequence[Finding]) -> Iterator[Finding]:
    """What the items' own rules have not said already; once, if it is the same in several languages."""
    said = {(finding.path, finding.rule, finding.field) for finding in known}
    told: dict[Finding, list[str]] = {}
    for one in proofs:
        for finding in one.findings:
            if (finding.path, finding.rule.removeprefix("letter-"), finding.field) not in said:
                told.setdefault(finding, []).append(one.lang)
    editions = {one.edition for one in proofs}
    for finding, languages in told.items():
        where = f"{finding.path} ({', '.join(languages)})"
        yield replace(finding, path=where) if finding.path in editions else finding
