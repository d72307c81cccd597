"""Where items come from: the news folder, its front-matter dialects, and importers of pages."""

from dissemination.sources.body import render_markdown
from dissemination.sources.folder import FolderSource

__all__ = ["FolderSource", "render_markdown"]
