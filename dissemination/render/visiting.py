"""The words of sign-up in mails and notices (ports.SaysToVisitors); those of pages: web/public/words.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dissemination.model import Privacy, Project
from dissemination.render.textmail import wrap


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitorWords:
    """One language. Holes: {newsletter}, {project}, {controller}, {contact}, {purposes}, {days}, {url}."""

    consent: str
    controller: str
    purposes: str
    #: Only where a legal basis, recipients and transfers are named; holes of these names.
    legal_basis: str
    recipients: str
    transfers: str
    keep: str
    rights: str
    no_tracking: str
    subject: str
    text: str


_ENGLISH = VisitorWords(
    consent="I agree that {project} sends me {newsletter} by e-mail. "
    "I can take this back at any time, with one click in every letter.",
    controller="Responsible for your data: {controller}. Contact: {contact}.",
    purposes="What your data are for: {purposes}.",
    legal_basis="Legal basis: {legal_basis}.",
    recipients="Who else receives them: {recipients}.",
    transfers="Transfers to other countries: {transfers}.",
    keep="How long they are kept: until you leave, and {days} days more; then only a keyed code of your address "
    "stays, so that nobody writes to it again. Sign-ups that nobody confirms are deleted after {unconfirmed} days.",
    rights="Your rights: you can see, correct, export and delete your data, limit or object to their use, and "
    "complain to a data protection authority.",
    no_tracking="We do not watch whether you open letters or what you click.",
    subject="Please confirm: {newsletter}",
    text="Hello,\n\nsomebody, we hope it was you, asked for {newsletter} of {project} at this address.\n\n"
    "To confirm, open this page and press the button there:\n\n{url}\n\n"
    "The link is good for 7 days.\n\nIf it was not you, there is nothing to do: without your yes you will get no "
    "letters, and the address is deleted.\n\n{controller}\n",
)
#: language -> words. Where there are none, English: nobody can sign up with words that do not exist.
_WORDS: Mapping[str, VisitorWords] = {"en": _ENGLISH}


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
        words, facts = _words(lang), self._facts(lang)
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
        words, facts = _words(lang), self._facts(lang) | {"url": url}
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


def _words(lang: str) -> VisitorWords:
    return _WORDS.get(lang.partition("-")[0].lower(), _ENGLISH)
