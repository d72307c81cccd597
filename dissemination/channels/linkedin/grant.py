"""What a member granted us: OAuth tokens, how they come, how they are renewed, and when they end.

https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow
https://learn.microsoft.com/en-us/linkedin/shared/authentication/programmatic-refresh-tokens
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import BaseModel, Field, ValidationError

from dissemination.channels.exchange import Exchange, said
from dissemination.channels.linkedin.settings import LinkedInSettings
from dissemination.channels.logins import KEPT
from dissemination.errors import NeedsLoginError, UnavailableError
from dissemination.ports import ChannelOptions, Prompt, Vault

#: A ready token; from the environment it goes before every login.
TOKEN = "LINKEDIN_ACCESS_TOKEN"  # noqa: S105 - the name of a secret
SECRET = "LINKEDIN_CLIENT_SECRET"  # noqa: S105 - as above
#: The answer that holds the address which the browser was sent to.
ADDRESS = "LINKEDIN_ADDRESS"

#: Post for the page, and see what stands there.
SCOPES = ("w_organization_social", "r_organization_social")

#: LinkedIn's tokens live so long.
_LIFE = timedelta(days=60)
#: Renewed so long before its end: a week of failures does no harm.
_MARGIN = timedelta(days=7)
#: How long a page that was opened may be answered.
_PATIENCE = timedelta(hours=1)
_STATE = "state"


class _Answer(BaseModel):
    """What the token endpoint gives."""

    access_token: str = Field(min_length=1, max_length=10_000)
    expires_in: int = Field(ge=0, le=1_000_000_000)
    refresh_token: str = Field(default="", max_length=10_000)
    refresh_token_expires_in: int = Field(default=0, ge=0, le=1_000_000_000)
    #: LinkedIn writes commas where the standard has spaces.
    scope: str = ""


class Grant:
    """The tokens of one channel: from the environment first, else from its vault.

    Args:
        options: of the channel.
        settings: its section.
        exchange: how LinkedIn is talked to.
    """

    def __init__(self, options: ChannelOptions, settings: LinkedInSettings, exchange: Exchange) -> None:
        self._options, self._settings, self._exchange = options, settings, exchange

    def token(self) -> str:
        """The access token, renewed first where it is about to end and LinkedIn gave the means.

        Raises:
            NeedsLoginError: there is none.
            UnavailableError: it has ended, and cannot be renewed now.
        """
        kept = self._kept()
        token = self._options.secret(TOKEN)
        if not token and kept.get("refresh_token") and self._ends(kept, _MARGIN):
            kept = self._renewed()
        token = token or str(kept.get(TOKEN, ""))
        if not token:
            raise NeedsLoginError(
                f"{self._name}: nobody has logged in; run `disseminate login {self._name}`, or set {TOKEN}"
            )
        return self._fit(token)

    def expires(self) -> datetime | None:
        """When somebody must have agreed anew; None: not known."""
        kept = self._kept()
        if self._options.secret(TOKEN):
            return None
        return _moment(kept, "refresh_expires_at" if kept.get("refresh_token") else "expires_at")

    def scopes(self) -> frozenset[str] | None:
        """What was granted; None: LinkedIn did not say."""
        told = "" if self._options.secret(TOKEN) else str(self._kept().get("scope", ""))
        return frozenset(told.replace(",", " ").split()) or None

    # Logging in

    def prompts(self, given: Mapping[str, str]) -> list[Prompt]:
        """What is still to be asked."""
        if self._options.secret(TOKEN) or given.get(TOKEN):
            return []
        if not self._settings.client_id:
            text = "Access token of a member who runs the page (LinkedIn's developer portal, OAuth token tools)"
            return [Prompt(name=TOKEN, text=text, secret=True)]
        asked = []
        if not self._secret(given):
            text = "Client secret of the app (developer portal, My apps, Auth)"
            asked.append(Prompt(name=SECRET, text=text, secret=True))
        if not given.get(ADDRESS):
            text = (
                "Open the page as a member who runs the organisation's page and agree. The browser is then sent to "
                f"{self._settings.redirect}, where nothing need answer: copy that whole address"
            )
            asked.append(Prompt(name=ADDRESS, text=text, url=self._page()))
        return asked

    def taken(self, given: Mapping[str, str]) -> dict[str, Any]:
        """What the answers give, to be kept by `keep`: the token, its end, its scopes.

        Raises:
            NeedsLoginError: they are wrong, or the member did not agree.
            UnavailableError: LinkedIn cannot be asked now.
        """
        ready = self._options.secret(TOKEN) or given.get(TOKEN)
        if ready:
            return {TOKEN: self._fit(ready), "expires_at": (self._now() + _LIFE).isoformat()}
        secret = self._secret(given)
        form = {"code": self._code(given.get(ADDRESS, "")), "redirect_uri": self._settings.redirect}
        return {**self._asked("authorization_code", secret, form), SECRET: secret}

    def keep(self, facts: Mapping[str, Any]) -> None:
        """Write what `taken` gave. A ready token is another grant: nothing of the one before it holds."""
        if self._options.secret(TOKEN):
            return
        fresh = {name: value for name, value in facts.items() if value}
        vault = self._vault()
        with vault.lock(KEPT):
            vault.write(KEPT, {**(self._kept() if SECRET in fresh else {}), **fresh})
        vault.write(_STATE, {})

    # Talking to LinkedIn

    def _renewed(self) -> Mapping[str, Any]:
        """New tokens, written before they are used; one process asks, the others read what it wrote."""
        with self._vault().lock(KEPT):
            kept = self._kept()
            if not self._ends(kept, _MARGIN):
                return kept
            try:
                form = {"refresh_token": str(kept["refresh_token"])}
                fresh = self._asked("refresh_token", self._secret({}), form)
            except (NeedsLoginError, UnavailableError):
                if self._ends(kept, timedelta()):
                    raise
                return kept  # it still holds; the next call tries again
            # LinkedIn need not repeat the refresh token: an empty one never takes the place of a kept one.
            fresh = {name: value for name, value in fresh.items() if value}
            self._vault().write(KEPT, {**kept, **fresh})
        return self._kept()

    def _asked(self, kind: str, secret: str, form: Mapping[str, str]) -> dict[str, Any]:
        app = {"client_id": self._settings.client_id, "client_secret": secret}
        reply = self._exchange(
            "POST",
            f"{self._settings.login_base}/oauth/v2/accessToken",
            changes=False,
            accept=(400, 401, 403),
            data={"grant_type": kind, **form, **app},
        )
        if reply.status >= 300:
            raise NeedsLoginError(
                f"{self._name}: LinkedIn gives no token{said(reply)}; run `disseminate login {self._name}` anew"
            )
        try:
            answer = _Answer.model_validate(reply.json())
        except ValidationError:
            raise self._exchange.unreadable("a token", changes=False) from None  # its text holds what was answered
        return self._facts(answer)

    def _facts(self, answer: _Answer) -> dict[str, Any]:
        def end(seconds: int) -> str:
            return (self._now() + timedelta(seconds=seconds)).isoformat() if seconds else ""

        return {
            TOKEN: self._fit(answer.access_token),
            "expires_at": end(answer.expires_in),
            "refresh_token": answer.refresh_token,
            "refresh_expires_at": end(answer.refresh_token_expires_in),
            "scope": answer.scope,
        }

    # The page to open, and the address that it leads to

    def _page(self) -> str:
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.redirect,
            "state": self._state(),
            "scope": " ".join(SCOPES),
        }
        return f"{self._settings.login_base}/oauth/v2/authorization?{urlencode(query)}"

    def _state(self) -> str:
        """The same until it is answered or an hour has passed; who answers with another was sent by a stranger."""
        kept = self._vault().read(_STATE) or {}
        made = _moment(kept, "at")
        if made and made + _PATIENCE > self._now():
            return str(kept["state"])
        state = secrets.token_urlsafe(24)
        self._vault().write(_STATE, {"state": state, "at": self._now().isoformat()})
        return state

    def _code(self, address: str) -> str:
        query = _query(address)
        expected = str((self._vault().read(_STATE) or {}).get("state", ""))
        if not expected or not hmac.compare_digest(query.get("state", "").encode(), expected.encode()):
            raise NeedsLoginError(
                f"{self._name}: the address is not the answer to the page that was shown last; "
                f"run `disseminate login {self._name}` anew, and copy the whole address"
            )
        if "code" not in query:
            reason = query.get("error_description") or query.get("error") or "no code"
            raise NeedsLoginError(
                f"{self._name}: LinkedIn gives no access ({' '.join(reason.split())[:200]}); see the app's scopes"
            )
        return query["code"]

    # What is kept

    @property
    def _name(self) -> str:
        return self._options.name

    def _now(self) -> datetime:
        return self._options.clock.now()

    def _secret(self, given: Mapping[str, str]) -> str:
        return given.get(SECRET) or self._options.secret(SECRET) or str(self._kept().get(SECRET, ""))

    def _kept(self) -> Mapping[str, Any]:
        return (self._options.vault.read(KEPT) if self._options.vault else None) or {}

    def _vault(self) -> Vault:
        if self._options.vault is None:
            raise NeedsLoginError(f"{self._name}: there is nowhere to keep a login; set {TOKEN} instead")
        return self._options.vault

    def _ends(self, kept: Mapping[str, Any], margin: timedelta) -> bool:
        end = _moment(kept, "expires_at")
        return end is not None and end - margin <= self._now()

    def _fit(self, token: str) -> str:
        """A token that can stand in a header."""
        if not token.isascii() or not token.isprintable() or " " in token:
            raise NeedsLoginError(f"{self._name}: the access token holds signs that no token has; copy it anew")
        return token


def _query(address: str) -> dict[str, str]:
    try:
        found = parse_qs(urlsplit(address.strip()).query)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _moment(kept: Mapping[str, Any], name: str) -> datetime | None:
    text = str(kept.get(name, ""))
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
