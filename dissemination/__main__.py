"""python -m dissemination, and the command `disseminate`."""

from __future__ import annotations

import gc

# Starting makes some hundred thousand objects that stay. To look through them again and again takes a tenth of the
# time of a short command (bench/bench_plan.py).
gc.set_threshold(50_000, 50, 50)

from dissemination.cli import app  # noqa: E402 - see above


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
