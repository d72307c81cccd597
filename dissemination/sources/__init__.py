"""Where items come from: the news folder, its front-matter dialects, and importers of pages."""

from dissemination.sources.body import render_markdown
from dissemination.sources.folder import FolderSource
from dissemination.sources.importer import Imported, import_file

__all__ = ["FolderSource", "Imported", "import_file", "render_markdown"]
