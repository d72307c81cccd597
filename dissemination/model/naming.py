"""Partners named by key: `@{oirbi}` in any text of an item. What takes its place depends on where it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from dissemination.model.items import Partner

#: `@{key}`; what stands between the braces is the key, right or wrong.
NAMING = re.compile(r"@\{[ \t]*([^{}\n]{0,80}?)[ \t]*\}")


def keys(texts: Iterable[str]) -> tuple[str, ...]:
    """The keys that these texts name, in order, each once."""
    found = (match[1] for text in texts if "@{" in text for match in NAMING.finditer(text))
    return tuple(dict.fromkeys(found))


def named(text: str, names: Mapping[str, str]) -> str:
    """The text with what `names` has for each key in its place; a key that it does not have stays as it stands."""
    if "@{" not in text:
        return text
    return NAMING.sub(lambda match: names.get(match[1], match[0]), text)


def plain_names(partners: Mapping[str, Partner], lang: str) -> Mapping[str, str]:
    """Key -> what the partner is called in a language."""
    return {key: partner.called(lang) for key, partner in partners.items()}
