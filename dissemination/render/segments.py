"""Holes in a rendered text: a random token while it is made, a named `Slot` afterwards.

The tokens are fresh for every rendering, so nobody can write one into an item, and they never leave it: what
comes out has slots only, and is equal for equal input.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dissemination.errors import RenderError
from dissemination.model import Segments, Slot

#: What differs from person to person (see `model.Slot`).
NAMES = ("name", "email", "unsubscribe_url", "preferences_url")


@dataclass(frozen=True, kw_only=True, slots=True)
class Holes:
    """The tokens of one rendering: name -> token, letters and digits only, all of one length."""

    tokens: Mapping[str, str]

    @classmethod
    def fresh(cls) -> Holes:
        """New random tokens (64 bits for the rendering)."""
        nonce = secrets.token_hex(8)
        return cls(tokens={name: f"hole{nonce}{number}" for number, name in enumerate(NAMES)})

    def count(self, text: str) -> Counter[str]:
        """How often each name's token stands in `text`."""
        return Counter({name: text.count(token) for name, token in self.tokens.items() if token in text})

    def split(self, text: str, *, made_from: str = "", what: str) -> Segments:
        """`text` split at the tokens.

        Args:
            text: rendered text.
            made_from: the text one step earlier, which must hold each token as often; empty: `text` itself.
            what: the template's name, for messages.

        Raises:
            RenderError: a token was lost, doubled or damaged on the way, or there is no unsubscribe address.
        """
        names = {token: name for name, token in self.tokens.items()}
        pieces = re.split(f"({'|'.join(names)})", text)
        segments = tuple(Slot(name=names[p]) if p in names else p for p in pieces if p)
        self._verify(text, made_from or text, segments, what)
        return segments

    def _verify(self, text: str, made_from: str, segments: Segments, what: str) -> None:
        before, after = self.count(made_from), self.count(text)
        for name in sorted(before | after):
            if before[name] != after[name]:
                raise RenderError(
                    f"{what}: {{{{ hole.{name} }}}} stands {before[name]} times in the template and "
                    f"{after[name]} times in the result; use it in text and in href only, not in titles or comments"
                )
        if not after["unsubscribe_url"]:
            raise RenderError(
                f"{what}: no way to unsubscribe; put {{{{ hole.unsubscribe_url }}}} into the template"
            )
        nonce = next(iter(self.tokens.values()))[:-1]
        if any(nonce.casefold() in piece.casefold() for piece in segments if isinstance(piece, str)):
            raise RenderError(f"{what}: a hole is damaged; use {{{{ hole.… }}}} without filters")
