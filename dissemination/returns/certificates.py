"""Gets the certificates by which Amazon signs, each once."""

from __future__ import annotations

from functools import lru_cache

import httpx

from dissemination.errors import UnavailableError

_LIMIT = 64_000
_TIMEOUT = 10.0


class Certificates:
    """A getter with a memory. The caller has checked whose address it is; redirections are not followed."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport
        self.get = lru_cache(maxsize=16)(self._get)

    def _get(self, url: str) -> bytes:
        """The certificate in PEM.

        Raises:
            UnavailableError: it is not to be had now.
        """
        try:
            with (
                httpx.Client(transport=self._transport, timeout=_TIMEOUT, trust_env=False) as client,
                client.stream("GET", url) as answer,
            ):
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _LIMIT:
                        break
        except httpx.HTTPError as error:
            raise UnavailableError(f"hooks: {url}: {error}; the provider repeats its post") from error
        if answer.status_code != httpx.codes.OK or len(body) > _LIMIT:
            raise UnavailableError(f"hooks: {url}: answered {answer.status_code}; the provider repeats its post")
        return body
