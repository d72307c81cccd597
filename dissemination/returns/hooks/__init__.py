"""Webhooks of mail providers: one file each, the same sections in the same order, and a table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from dissemination.errors import ForgedError
from dissemination.model import Returned
from dissemination.ports import Hook
from dissemination.returns.hooks import brevo, mailgun, postmark, ses
from dissemination.returns.hooks.checking import Post

__all__ = ["make_hooks"]

#: Provider, as in /hooks/<provider> and in the secret HOOK_<PROVIDER> -> its parser.
_PARSERS: Mapping[str, Callable[[Post], Sequence[Returned]]] = {
    "ses": ses.parse,
    "postmark": postmark.parse,
    "mailgun": mailgun.parse,
    "brevo": brevo.parse,
}


def make_hooks(
    secret: Callable[[str], str | None], now: Callable[[], datetime], fetch: Callable[[str], bytes]
) -> Mapping[str, Hook]:
    """Provider -> what reads its posts.

    Args:
        secret: reads a secret by name, such as HOOK_SES.
        now: the present.
        fetch: gets a certificate by its address, which has been checked to be Amazon's.
    """
    return {provider: partial(_read, provider, (secret, now, fetch)) for provider in _PARSERS}


_Means = tuple[Callable[[str], str | None], Callable[[], datetime], Callable[[str], bytes]]


def _read(provider: str, means: _Means, headers: Mapping[str, str], body: bytes) -> Sequence[Returned]:
    secret, now, fetch = means
    given = secret(f"HOOK_{provider.upper()}")
    if not given:
        raise ForgedError(f"hooks: {provider}: set the secret DISSEMINATION_HOOK_{provider.upper()} first")
    lowered = {name.lower(): value for name, value in headers.items()}
    post = Post(provider=provider, headers=lowered, body=body, secret=given, now=now(), fetch=fetch)
    return _PARSERS[provider](post)
