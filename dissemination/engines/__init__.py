"""Who carries out woken work: threads of this process."""

from dissemination.engines.local import LocalEngine

__all__ = ["LocalEngine"]
