"""Rendering: editions become letters, items become posts and feed entries, pictures are rebuilt. Pure."""

from dissemination.render.environment import make_environment
from dissemination.render.images import PictureShop, shrink
from dissemination.render.rendering import Rendering
from dissemination.render.visiting import VisitorSpeech

__all__ = ["PictureShop", "Rendering", "VisitorSpeech", "make_environment", "shrink"]
