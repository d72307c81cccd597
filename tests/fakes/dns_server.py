"""A DNS server on loopback: answers TXT questions over UDP from a table, or is ill in the way it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

#: What a table may say instead of texts.
SERVFAIL, REFUSED, SILENT, GARBAGE, NODATA = "SERVFAIL", "REFUSED", "SILENT", "GARBAGE", "NODATA"


class DnsServer:
    """A table of name -> texts, one illness, or `("CNAME", other)`; a name that is not in it does not exist.

    Args:
        table: names without the final dot.
    """

    def __init__(self, table: Mapping[str, object]) -> None:
        self.table = dict(table)
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, who = self._socket.recvfrom(4096)
            if not wire:
                return
            answer = self._answer(dns.message.from_wire(wire))
            if answer is not None:
                self._socket.sendto(answer, who)

    def _answer(self, query: dns.message.Message) -> bytes | None:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        found = self.table.get(name)
        if found == SILENT:
            return None
        if found == GARBAGE:
            return b"\x00" * 20
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if found is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif found in (SERVFAIL, REFUSED):
            response.set_rcode(dns.rcode.from_text(found))
        elif found != NODATA:
            response.answer += self._records(name, found)
        return response.to_wire()

    def _records(self, name: str, found: object) -> list[dns.rrset.RRset]:
        if isinstance(found, tuple):
            alias = dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{found[1]}.")
            return [alias, *self._records(found[1], self.table[found[1]])]
        texts = [found] if isinstance(found, str) else found
        strings = [" ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255)) for text in texts]
        return [dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", *strings)]
