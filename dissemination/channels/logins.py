"""Credentials of a network's account: from the environment's secrets first, else from what `login` kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dissemination.errors import NeedsLoginError
from dissemination.ports import ChannelOptions

#: The name in a channel's vault.
KEPT = "login"


class Credentials:
    """Asked for at every call, so that new ones count at once.

    Args:
        options: of the channel.
        names: every secret that the channel needs.
    """

    def __init__(self, options: ChannelOptions, *names: str) -> None:
        self._options, self._names = options, names

    def get(self, name: str) -> str:
        """One of them; "" where it is not known."""
        return self._options.secret(name) or str(self._kept().get(name, ""))

    def all(self) -> dict[str, str]:
        """All of them by name.

        Raises:
            NeedsLoginError: some are not known; the text names them and says what to do.
        """
        found = {name: self.get(name) for name in self._names}
        missing = [name for name, value in found.items() if not value]
        if missing:
            raise NeedsLoginError(
                f"{self._options.name}: {', '.join(missing)} not known; `disseminate login {self._options.name}` "
                f"asks for what is needed"
            )
        return found

    def given(self, answers: Mapping[str, str]) -> dict[str, str]:
        """The same, with answers in front of what is known; for a login under way."""
        return {name: answers.get(name) or self.get(name) for name in self._names}

    def keep(self, facts: Mapping[str, Any]) -> None:
        """Write what a login gave, over what was kept; empty values overwrite nothing."""
        if self._options.vault is None:
            raise NeedsLoginError(
                f"{self._options.name}: there is nowhere to keep a login; set its secrets instead"
            )
        fresh = {name: value for name, value in facts.items() if value not in {"", None}}
        self._options.vault.write(KEPT, {**self._kept(), **fresh})

    def expires(self) -> datetime | None:
        """When the login ends, where that was told ("expires_at", ISO 8601)."""
        text = str(self._kept().get("expires_at", ""))
        return datetime.fromisoformat(text) if text else None

    def _kept(self) -> Mapping[str, Any]:
        return (self._options.vault.read(KEPT) if self._options.vault else None) or {}
