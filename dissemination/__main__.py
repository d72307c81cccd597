"""python -m dissemination, and the command `disseminate`."""

from __future__ import annotations

from dissemination.cli import app


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
