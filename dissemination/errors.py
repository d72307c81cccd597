"""One error tree. The class alone decides what happens next; the text reads "where: what happened, what to do"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dissemination.model import Finding


class DisseminationError(Exception):
    """The root: everything this package raises on purpose."""


class WrongUseError(DisseminationError):
    """The command was used wrongly: exit code 2."""


class SettingsError(WrongUseError):
    """settings.yaml, or a secret it needs, is not right: exit code 2.

    Args:
        message: what is wrong and what to write instead.
        findings: every single problem with its file and line, where there are several.
    """

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)


class BusyError(WrongUseError):
    """Another process publishes from this folder; the text names the holder."""


class UnknownIdError(WrongUseError):
    """No item, edition or publication has this id; the text names the nearest."""


class ItemError(DisseminationError):
    """One item cannot be used. It costs only itself.

    Args:
        findings: why, each with file, line and field.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(f"{f.path}:{f.line}: {f.message}" for f in findings))
        self.findings = tuple(findings)


class RenderError(DisseminationError):
    """A template or a picture failed; the text names the file and the line."""


class ToolError(DisseminationError):
    """Another program of this machine failed or took too long; the text names it."""


class FileRefusedError(DisseminationError):
    """A file is outside its folder, a link, no regular file, or too large."""


class StoreError(DisseminationError):
    """The database cannot be used as it is (integrity, version, disk)."""


class FencedError(DisseminationError):
    """Our claim was taken over while we slept: stop, and touch nothing more."""


class ChannelError(DisseminationError):
    """The root of what a channel's `send` may raise. Anything else it raises is a bug, and is not swallowed."""


class RejectedError(ChannelError):
    """Nothing went out and never will: the officer must change something."""


class UnavailableError(ChannelError):
    """Nothing went out; try again.

    Args:
        retry_at: the earliest instant (aware, UTC) the other side named; None: our own back-off decides.
    """

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NotBegunError(UnavailableError):
    """Nothing was tried for this message: the way out is closed for now. It does not count as an attempt."""


class SenderRefusedError(UnavailableError):
    """The server refuses us, not this recipient: nothing goes out until that is mended."""


class InDoubtError(ChannelError):
    """It may have gone out: never retry blindly."""


class NeedsLoginError(ChannelError):
    """The credentials are missing, wrong or expired: the channel pauses until somebody logs in."""


class ForgedError(DisseminationError):
    """A webhook does not prove that it comes from its provider: answer 403, and change nothing."""


class AddressError(WrongUseError):
    """This is no mail address; the text says why."""
