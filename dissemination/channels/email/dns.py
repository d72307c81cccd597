"""Asks DNS for TXT records, and tells silence from absence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import dns.exception
import dns.name
import dns.resolver

from dissemination.channels.email.names import FailingError, SilentError, split_server

#: Seconds for one question, however many servers are asked.
LIFETIME = 5.0
_SILENCE = "DNS does not answer here"


class Resolver:
    """Looks TXT records up.

    Args:
        server: "192.0.2.53" or "192.0.2.53:5353" or "[2001:db8::1]:53"; "": the system's.
        lifetime: seconds for one question.
    """

    def __init__(self, server: str = "", *, lifetime: float = LIFETIME) -> None:
        self._server, self._lifetime = server, lifetime

    def texts(self, name: str) -> Sequence[str]:
        """The TXT records at a name, each with its strings joined; aliases are followed. None: an empty list.

        Raises:
            FailingError: who answered could not tell.
            SilentError: nobody answered.
        """
        try:
            # Absolute: a name must not be looked up below the search domains of this machine.
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError):
            return []  # somebody's record names what cannot be a name
        try:
            answer = self._resolver.resolve(asked, "TXT", lifetime=self._lifetime)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.resolver.NoNameservers as error:
            raise _failure(name, error) from error
        except (dns.exception.DNSException, OSError) as error:
            raise SilentError(_SILENCE) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    def exists(self, name: str) -> bool:
        """Whether there is such a name; also where nobody can tell."""
        try:
            self._resolver.resolve(dns.name.from_text(name), "TXT", lifetime=self._lifetime)
        except dns.resolver.NXDOMAIN:
            return False
        except (dns.exception.DNSException, OSError, UnicodeError):
            return True
        return True

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        if not self._server:
            return dns.resolver.Resolver()
        made = dns.resolver.Resolver(configure=False)
        host, port = split_server(self._server)
        made.nameservers, made.port = [host], port
        return made


def _failure(name: str, error: dns.resolver.NoNameservers) -> SilentError:
    """An unreachable network ends up here too; then there is no response in the list of what was tried."""
    if any(response is not None for *_, response in error.kwargs.get("errors", ())):
        return FailingError(f"DNS fails for {name}; ask whoever runs the domain, or try later")
    return SilentError(_SILENCE)
