"""The files that an item has for download, as they are approved and put up."""

from __future__ import annotations

from collections.abc import Mapping

from dissemination.errors import FileRefusedError, RenderError
from dissemination.files import digest_of, read_below
from dissemination.model import ATTACHED, NewsItem, Picture

#: The most bytes of one file. What is larger is better put elsewhere and linked.
LARGEST = 10_000_000


def attached(item: NewsItem) -> Mapping[str, Picture]:
    """Absolute path -> file.

    Raises:
        RenderError: a file is missing, too large, leads out of the item's folder, or is of no kind that we put up.
    """
    return {str(item.folder / name): _file(item, name) for name in item.attachments}


def _file(item: NewsItem, name: str) -> Picture:
    media_type = ATTACHED.get(name.rpartition(".")[2].lower())
    if media_type is None:
        kinds = ", ".join(sorted(ATTACHED))
        raise RenderError(f"{item.path}: {name}: no kind of file that is put up; make it one of {kinds}")
    try:
        body = read_below(item.folder, name, limit=LARGEST)
    except (FileRefusedError, OSError, ValueError) as error:
        raise RenderError(f"{item.path}: attachment {name}: {error}; put the file beside the item") from error
    return Picture(digest=digest_of(body), media_type=media_type, width=0, height=0, body=body)
