"""Settings about people: who an edition goes to, and what the law asks to be said about their data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from dissemination.model import Audience, Keep, Privacy
from dissemination.settings.kinds import Language, Name, Text

_Days = Annotated[int, Field(ge=1, le=36_500)]


class _Section(BaseModel):
    """A mapping of known keys; another key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AudienceSection(_Section):
    """Who an edition goes to: lists, and what narrows them."""

    lists: list[Name] = Field(default_factory=list)
    """Mailing lists it goes to; for a flash, unless the item names its own."""
    exclude: list[Name] = Field(default_factory=list)
    """Mailing lists whose members do not get it."""
    languages: list[Language] = Field(default_factory=list)
    """Only people who read one of these languages; everybody where left out."""
    where: dict[Name, list[Text]] = Field(default_factory=dict, max_length=20)
    """Attribute -> values: only people who have one of them, for each attribute; everybody where left out."""

    def audience(self) -> Audience:
        """As the pipeline knows it."""
        return Audience(
            lists=tuple(self.lists),
            exclude=tuple(self.exclude),
            languages=tuple(self.languages),
            where=tuple((name, tuple(values)) for name, values in self.where.items()),
        )


class KeepSection(_Section):
    """How long personal data are kept, in days."""

    unconfirmed: _Days = 30
    """People who signed up and never confirmed."""
    departed: _Days = 365
    """People who unsubscribed or are suppressed; then only a keyed hash of their address is left."""
    troubles: _Days = 90
    """Answers of mail servers about single letters."""
    log: _Days = 730
    """Lines of the log."""
    proof: _Days = 1_095
    """Consent lines of people who were erased, without name and address."""
    copies: _Days = 30
    """Copies of the database that were made before an upgrade or a restoring."""


class PrivacySection(_Section):
    """Personal data: what the record of processing says (GDPR, article 30), and how long things are kept."""

    controller: str = ""
    """Name and postal address of who decides about the data."""
    contact: str = ""
    """Where people ask about their data: an address or a page."""
    officer: str = ""
    """Data protection officer, joint controllers, representative, where there are any."""
    purposes: list[Text] = Field(default_factory=list)
    """What the data are for."""
    legal_basis: str = ""
    """Why that is lawful, such as consent (article 6(1)(a))."""
    recipients: list[Text] = Field(default_factory=list)
    """Who else gets data: processors such as the mail provider and the host, with their country."""
    transfers: str = ""
    """Transfers to third countries and what safeguards them, or "none"."""
    keep: KeepSection = KeepSection()
    """How long personal data are kept, in days."""

    def privacy(self) -> Privacy:
        """As the pipeline knows it."""
        plain = self.model_dump(exclude={"keep", "purposes", "recipients"})
        return Privacy(
            **plain,
            purposes=tuple(self.purposes),
            recipients=tuple(self.recipients),
            keep=Keep(**self.keep.model_dump()),
        )
