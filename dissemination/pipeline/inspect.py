"""`disseminate check`: every problem of items, and of the editions to come. Nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dissemination.errors import RenderError
from dissemination.model import Finding, Level, NewsItem, Project, Publication, State
from dissemination.pipeline.compose import Composer, Latest, Proposal
from dissemination.pipeline.gather import Newsroom, read
from dissemination.pipeline.parts import Parts
from dissemination.pipeline.proof import MAIL, Proof

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
    """Check items, and editions that would go out, in every language.

    Args:
        parts: the house.
        editions: False: items alone.
    """
    room = read(parts, mint=False)
    findings = [*room.findings, *_placeholder(parts.project)]
    if not editions:
        return Inspection(items=room.items, findings=tuple(findings))
    proofs: list[Proof] = []
    for proposal in _open(parts, room):
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


def _open(parts: Parts, room: Newsroom) -> Iterator[Proposal]:
    latest = parts.store.publications.latest()
    for proposal in Composer(parts, room, latest, write=False).editions():
        if not proposal.hold and _is_open(proposal, latest):
            yield proposal


def _is_open(proposal: Proposal, latest: Latest) -> bool:
    known: Publication | None = latest.get((proposal.publication.subject, MAIL))
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
