"""The words of sign-up in mails and notices (ports.SaysToVisitors), filled with what settings say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dissemination.model import Privacy, Project
from dissemination.render.catalogues import spoken
from dissemination.render.people_strings import VisitorWords
from dissemination.render.textmail import wrap


class VisitorSpeech:
    """Says them for one project.

    Args:
        project: the project.
        privacy: what settings say about personal data.
        newsletter: language -> the newsletter's name.
    """

    def __init__(self, project: Project, privacy: Privacy, newsletter: Mapping[str, str]) -> None:
        self._project = project
        self._privacy = privacy
        self._newsletter = newsletter

    def notice(self, lang: str) -> Sequence[str]:
        """The consent first, then what must be told; a sentence that has nothing to say is left out."""
        words, facts = spoken(VisitorWords, lang), self._facts(lang)
        asked = {"legal_basis": words.legal_basis, "recipients": words.recipients, "transfers": words.transfers}
        duties = [sentence for name, sentence in asked.items() if facts[name]]
        parts = (
            words.consent,
            words.controller,
            words.purposes,
            *duties,
            words.keep,
            words.rights,
            words.no_tracking,
        )
        return [part.format_map(facts) for part in parts]

    def confirmation(self, lang: str, url: str) -> tuple[str, str]:
        """Everything in it comes from settings, but the link."""
        words, facts = spoken(VisitorWords, lang), self._facts(lang) | {"url": url}
        return words.subject.format_map(facts), wrap(words.text.format_map(facts))

    def _facts(self, lang: str) -> dict[str, str]:
        privacy, project = self._privacy, self._project
        name = self._newsletter.get(lang) or self._newsletter.get(project.default_lang)
        return {
            "newsletter": name or project.acronym,
            "project": project.acronym,
            "controller": privacy.controller.rstrip(" ."),
            "contact": privacy.contact.rstrip(" ."),
            "purposes": "; ".join(privacy.purposes),
            "legal_basis": privacy.legal_basis.rstrip(" ."),
            "recipients": "; ".join(privacy.recipients),
            "transfers": privacy.transfers.rstrip(" ."),
            "days": str(privacy.keep.departed),
            "unconfirmed": str(privacy.keep.unconfirmed),
        }
