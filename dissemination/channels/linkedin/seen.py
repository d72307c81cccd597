"""A post as LinkedIn shows it; what cannot be read is passed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from dissemination.channels.linkedin.little import plain

#: Characters; ours are shorter, even escaped.
_LONGEST = 20_000
#: Not shown to anybody: somebody's draft, and what LinkedIn took and then refused in processing.
_HIDDEN = ("DRAFT", "PUBLISH_FAILED")


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What stands on the page."""

    #: Its URN; "" where the answer does not say.
    id: str
    author: str
    #: What readers see of its words.
    text: str
    #: None: the answer does not say.
    created: datetime | None
    #: Whether people see it, or will in a moment.
    public: bool

    @classmethod
    def of(cls, answer: object) -> Self | None:
        """Of one post as LinkedIn answers it; None: it is none."""
        if not isinstance(answer, dict):
            return None
        words = answer.get("commentary")
        if not isinstance(words, str) or len(words) > _LONGEST:
            return None
        return cls(
            id=_text(answer, "id"),
            author=_text(answer, "author"),
            text=plain(words),
            created=_instant(answer.get("createdAt")),
            public=_text(answer, "lifecycleState") not in _HIDDEN,
        )

    def before(self, moment: datetime) -> bool:
        """Whether it is certainly older."""
        return self.created is not None and self.created < moment


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _instant(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
