"""The account's session: kept in the vault, refreshed under its lock, made anew only where that fails.

A session may be created 300 times a day and refreshed as often as one likes, and each refresh gives new tokens
(https://docs.bsky.app/docs/advanced-guides/rate-limits). A token is used until the server says that it has expired.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from dissemination.channels.exchange import Exchange, Reply, is_loopback, said, trusted
from dissemination.errors import NeedsLoginError
from dissemination.ports import Vault

#: The name in the channel's vault, and of its lock.
KEPT = "session"
#: Answers that are read here; what they mean depends on the method.
REFUSALS: Sequence[int] = range(400, 500)
#: The server's words for a token that is of no use any more.
_STALE = {"ExpiredToken", "InvalidToken"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """Who we are to the server."""

    did: str
    handle: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    #: Where the account's posts are kept: behind bsky.social stand many servers.
    host: str
    #: The settings that it was made for.
    identifier: str
    service: str

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self | None:
        """From the vault; None where it holds no whole session."""
        facts = {name: kept.get(name) for name in cls.__slots__}
        return cls(**facts) if all(isinstance(one, str) and one for one in facts.values()) else None  # type: ignore[arg-type] # looked at here

    @property
    def own_password(self) -> bool:
        """Whether it was made with the account's own password, not with one for apps."""
        return _claims(self.access).get("scope") == "com.atproto.access"

    def ends(self) -> datetime | None:
        """When it cannot be refreshed any more; None: it does not say."""
        end = _claims(self.refresh).get("exp")
        return datetime.fromtimestamp(end, UTC) if isinstance(end, int) else None


def _claims(token: str) -> Mapping[str, Any]:
    """What a token (JWT, RFC 7519) says of itself, unproved."""
    try:
        body = token.split(".")[1]
        value = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Account:
    """Calls methods of the server as the account.

    Args:
        name: what settings call the channel.
        service: where the account logs in.
        identifier: its handle or DID.
        exchange: the way out.
        vault: where the session is kept; None: as long as this object lives.
        password: gives the app password, or raises NeedsLoginError.
    """

    def __init__(  # noqa: PLR0913 - whose account it is, where, and what it takes
        self,
        *,
        name: str,
        service: str,
        identifier: str,
        exchange: Exchange,
        vault: Vault | None,
        password: Callable[[], str],
    ) -> None:
        self._name, self._service, self._identifier = name, service, identifier
        self._exchange, self._password = exchange, password
        self._vault: Vault = vault or _Here()

    def session(self) -> Session:
        """The one at hand, or a new one.

        Raises:
            NeedsLoginError: the password is not known, or the server refuses it.
            UnavailableError: the server cannot be asked now.
        """
        if kept := self.kept():
            return kept
        with self._vault.lock(KEPT):
            return self.kept() or self.keep(self.created(self._password()))

    def kept(self) -> Session | None:
        """What the vault holds for these settings."""
        session = Session.read(self._vault.read(KEPT) or {})
        mine = session is not None and (session.identifier, session.service) == (self._identifier, self._service)
        return session if mine else None

    def keep(self, session: Session) -> Session:
        """Write it before it is used."""
        self._vault.write(KEPT, asdict(session))
        return session

    def call(self, method: str, *, changes: bool = False, **request: Any) -> Reply:
        """One method (https://atproto.com/specs/xrpc): a query where `params` are given.

        Returns:
            an answer of 200 to 499, but for a token that has expired: it is refreshed, and the method called again.
        """
        session = self.session()
        reply = self._asked(session, method, changes=changes, **request)
        if _stale(reply):
            reply = self._asked(self._renewed(session), method, changes=changes, **request)
        return reply

    def good(self, reply: Reply) -> Reply:
        """An answer that is a success.

        Raises:
            ChannelError: what a refusal means.
        """
        if reply.status >= 400:
            raise self._exchange.refused(reply, changes=True)
        return reply

    def created(self, password: str) -> Session:
        """A new session; it is not kept yet."""
        facts = {"identifier": self._identifier, "password": password}
        reply = self._post("createSession", json=facts)
        if reply.status in {400, 401, 403, 404}:
            raise NeedsLoginError(
                f"{self._name}: {urlsplit(self._service).hostname} refuses {self._identifier}{said(reply)}; "
                f"see `handle` and `service`, then `disseminate login {self._name}` with an app password"
            )
        answer = self._read(reply)
        made = Session(
            did=_text(answer, "did"),
            handle=_text(answer, "handle") or self._identifier,
            access=_text(answer, "accessJwt"),
            refresh=_text(answer, "refreshJwt"),
            host=_host(answer, self._service) or self._service,
            identifier=self._identifier,
            service=self._service,
        )
        if not (made.did and made.access and made.refresh):
            raise self._exchange.unreadable("a session", changes=False)
        self._active(answer)
        return made

    def _active(self, answer: Mapping[str, Any]) -> None:
        if answer.get("active") is False:
            raise NeedsLoginError(
                f"{self._name}: the account is {_text(answer, 'status') or 'not active'}; mend that there, then "
                f"resume the channel"
            )

    def _renewed(self, stale: Session) -> Session:
        """Another one than `stale`; whoever comes second finds what the first one got."""
        with self._vault.lock(KEPT):
            kept = self.kept()
            if kept and kept != stale:
                return kept
            return self.keep(self._refreshed(kept or stale) or self.created(self._password()))

    def _refreshed(self, session: Session) -> Session | None:
        """The session with new tokens; None where that is refused. An old token may be used again for a while."""
        reply = self._post("refreshSession", headers=_bearer(session.refresh))
        if reply.status in {400, 401}:
            return None
        answer = self._read(reply)
        if not _text(answer, "accessJwt"):
            raise self._exchange.unreadable("a session", changes=False)
        return replace(
            session,
            access=_text(answer, "accessJwt"),
            refresh=_text(answer, "refreshJwt") or session.refresh,
            handle=_text(answer, "handle") or session.handle,
            host=_host(answer, self._service) or session.host,
        )

    def _read(self, reply: Reply) -> Mapping[str, Any]:
        """Nothing of a post is under way yet, whatever it says."""
        if reply.status >= 400:
            raise self._exchange.refused(reply, changes=False)
        return reply.json()

    def _post(self, method: str, **request: Any) -> Reply:
        url = f"{self._service}/xrpc/com.atproto.server.{method}"
        return self._exchange("POST", url, changes=False, accept=REFUSALS, **request)

    def _asked(self, session: Session, method: str, *, changes: bool, **request: Any) -> Reply:
        headers = {**_bearer(session.access), **request.pop("headers", {})}
        verb = "GET" if "params" in request else "POST"
        url = f"{session.host}/xrpc/{method}"
        return self._exchange(verb, url, changes=changes, accept=REFUSALS, headers=headers, **request)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""


def _stale(reply: Reply) -> bool:
    return reply.status == 401 or (reply.status == 400 and reply.json().get("error") in _STALE)


def _host(answer: Mapping[str, Any], service: str) -> str:
    """The account's own server, as its DID document names it; "": it does not.

    A service on this machine stands for whatever lies behind it.
    """
    document = answer.get("didDoc")
    services = document.get("service") if isinstance(document, dict) else None
    if is_loopback(urlsplit(service).hostname or "") or not isinstance(services, list):
        return ""
    named = (one.get("serviceEndpoint") for one in services if isinstance(one, dict) and _keeps_posts(one))
    return next((str(one).rstrip("/") for one in named if _is_https(one)), "")


def _keeps_posts(service: Mapping[str, Any]) -> bool:
    """https://atproto.com/specs/did#representation."""
    return str(service.get("id", "")).endswith("#atproto_pds")


def _is_https(address: object) -> bool:
    try:
        return trusted(str(address)).startswith("https://")
    except ValueError:
        return False


class _Here:
    """A vault where nothing is stored: for as long as the channel lives."""

    def __init__(self) -> None:
        self._kept: dict[str, Mapping[str, Any]] = {}
        self._turn = threading.Lock()

    def read(self, name: str) -> Mapping[str, Any] | None:
        return self._kept.get(name)

    def write(self, name: str, value: Mapping[str, Any]) -> None:
        self._kept[name] = value

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:  # noqa: ARG002 - there is one thing to lock
        with self._turn:
            yield
