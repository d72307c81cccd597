"""Room: what plug-in makers and tests need. `testing.contract` alone needs pytest."""

from dissemination.testing.doubles import (
    FixedClock,
    MemoryChannel,
    MemoryLine,
    MemoryMailer,
    MemoryNetwork,
    MemoryThreads,
    MemoryVault,
)
from dissemination.testing.driving import drive
from dissemination.testing.samples import (
    sample_entry,
    sample_item,
    sample_mail,
    sample_message,
    sample_options,
    sample_picture,
    sample_post,
    sample_project,
)

__all__ = [
    "FixedClock",
    "MemoryChannel",
    "MemoryLine",
    "MemoryMailer",
    "MemoryNetwork",
    "MemoryThreads",
    "MemoryVault",
    "drive",
    "sample_entry",
    "sample_item",
    "sample_mail",
    "sample_message",
    "sample_options",
    "sample_picture",
    "sample_post",
    "sample_project",
]
