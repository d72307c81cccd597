"""Draws the pictures of the sample news, and the placeholder for the funder's visual.

    python bench/draw_sample_pictures.py

Everything is drawn from plain shapes in one palette, with Pillow alone and without chance.
Coordinates are those of the finished picture, 1200 x 675; it is drawn at twice the width and made smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

NEWS = Path(__file__).resolve().parent.parent / "news"
WIDTH, HEIGHT, SCALE = 1200, 675, 2

CREAM, SAND, WHITE = "#F6F0E4", "#E8DAC0", "#FFFDF8"
DEEP, TEAL, SKY = "#17343F", "#1F5C63", "#C4DDE3"
SAGE, MINT, MOSS = "#8DB39A", "#D5E7DA", "#5E8F74"
OCHRE, HONEY, CLAY, ROSE = "#DFA23A", "#F0C878", "#C4603F", "#EBC0AC"

Point = tuple[float, float]


class Canvas:
    """Plain shapes on a large sheet that is made smaller at the end, which smooths every edge."""

    def __init__(self, ground: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        self.size = size
        self.sheet = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), ground)
        self.pen = ImageDraw.Draw(self.sheet)

    def box(self, x: float, y: float, w: float, h: float, fill: str, radius: float = 0) -> None:  # noqa: PLR0913, PLR0917 - the order of every drawing library
        corners = [x * SCALE, y * SCALE, (x + w) * SCALE, (y + h) * SCALE]
        self.pen.rounded_rectangle(corners, radius * SCALE, fill)

    def disc(self, x: float, y: float, r: float, fill: str, flat: float = 1.0) -> None:
        self.pen.ellipse([(x - r) * SCALE, (y - r * flat) * SCALE, (x + r) * SCALE, (y + r * flat) * SCALE], fill)

    def ring(self, x: float, y: float, r: float, colour: str, width: float) -> None:
        corners = [(x - r) * SCALE, (y - r) * SCALE, (x + r) * SCALE, (y + r) * SCALE]
        self.pen.ellipse(corners, outline=colour, width=round(width * SCALE))

    def shape(self, points: Iterable[Point], fill: str) -> None:
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in points], fill)

    def line(self, points: Iterable[Point], colour: str, width: float) -> None:
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self.pen.line(scaled, colour, round(width * SCALE), joint="curve")
        for x, y in (scaled[0], scaled[-1]):
            r = width * SCALE / 2
            self.pen.ellipse([x - r, y - r, x + r, y + r], colour)

    def tilted(self, x: float, y: float, w: float, h: float, degrees: float, fill: str) -> None:  # noqa: PLR0913, PLR0917 - as above
        """A rectangle around (x, y), turned."""
        corners = [(-w / 2, -h / 2), (w / 2, -h / 2), (w / 2, h / 2), (-w / 2, h / 2)]
        self.shape(turned(corners, x, y, degrees), fill)

    def leaf(self, x: float, y: float, length: float, degrees: float, fill: str, vein: str = "") -> None:  # noqa: PLR0913, PLR0917 - as above
        """A leaf that grows from (x, y)."""
        steps = [n / 24 for n in range(25)]
        upper = [(length * t, -length * 0.26 * math.sin(math.pi * t**0.8)) for t in steps]
        lower = [(length * t, length * 0.26 * math.sin(math.pi * t**0.8)) for t in reversed(steps)]
        self.shape(turned(upper + lower, x, y, degrees), fill)
        if vein:
            self.line(turned([(0, 0), (length * 0.82, 0)], x, y, degrees), vein, 3)

    def finished(self) -> Image.Image:
        return self.sheet.resize(self.size, Image.Resampling.LANCZOS)


def turned(points: Iterable[Point], x: float, y: float, degrees: float) -> list[Point]:
    """Points around (0, 0), turned and moved to (x, y)."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [(x + px * cos - py * sin, y + px * sin + py * cos) for px, py in points]


def curve(start: Point, bend: Point, end: Point, steps: int = 40) -> list[Point]:
    """A quadratic Bezier curve as points."""
    ratios = [n / steps for n in range(steps + 1)]
    return [
        (
            (1 - t) ** 2 * start[0] + 2 * t * (1 - t) * bend[0] + t**2 * end[0],
            (1 - t) ** 2 * start[1] + 2 * t * (1 - t) * bend[1] + t**2 * end[1],
        )
        for t in ratios
    ]


def hill(canvas: Canvas, left: float, top: float, right: float, fill: str) -> None:
    """A wave of land from edge to edge: heights at the left, in the middle and at the right."""
    canvas.shape([(0, HEIGHT), *curve((0, left), (WIDTH / 2, top), (WIDTH, right)), (WIDTH, HEIGHT)], fill)


def coins_and_leaf() -> Canvas:
    canvas = Canvas(CREAM)
    canvas.disc(850, 300, 250, MINT)
    hill(canvas, 560, 500, 585, SAGE)
    hill(canvas, 620, 555, 610, MOSS)
    for column, height in enumerate((2, 4, 6, 8)):
        x = 250 + column * 170
        canvas.disc(x + 66, 570, 84, TEAL, 0.14)
        for coin in range(height):
            y = 545 - coin * 30
            canvas.box(x, y, 132, 26, OCHRE if coin % 2 else HONEY, 13)
            canvas.box(x + 16, y + 6, 36, 5, WHITE, 2)
    foot = (826.0, 336.0)
    canvas.line(curve(foot, (822, 260), (850, 180)), TEAL, 9)
    canvas.leaf(828, 270, 150, -152, TEAL, SAGE)
    canvas.leaf(836, 232, 170, -28, MOSS, MINT)
    canvas.leaf(850, 184, 110, -78, TEAL, SAGE)
    return canvas


def meeting_table() -> Canvas:
    canvas = Canvas(SKY)
    canvas.disc(600, 338, 470, "#D3E6EA")
    canvas.disc(600, 338, 330, MINT)
    seats = (TEAL, CLAY, OCHRE, MOSS, DEEP, ROSE, TEAL, OCHRE, CLAY, MOSS)
    for number, colour in enumerate(seats):
        angle = number * 2 * math.pi / len(seats) + 0.16
        x, y = 600 + 268 * math.cos(angle), 338 + 268 * math.sin(angle)
        canvas.disc(x, y, 43, colour)
        canvas.disc(x, y, 27, WHITE if colour in {DEEP, TEAL} else CREAM)
    canvas.disc(600, 346, 214, "#B9CFC4")
    canvas.disc(600, 338, 214, SAND)
    canvas.disc(600, 338, 198, WHITE)
    for number in range(len(seats)):
        degrees = number * 36 + 9.2
        angle = math.radians(degrees)
        x, y = 600 + 142 * math.cos(angle), 338 + 142 * math.sin(angle)
        canvas.tilted(x, y, 54, 40, degrees + 90, SKY if number % 2 else ROSE)
        canvas.line(turned([(-16, -6), (16, -6)], x, y, degrees + 90), TEAL, 3)
        canvas.line(turned([(-16, 5), (8, 5)], x, y, degrees + 90), TEAL, 3)
    canvas.disc(600, 338, 58, MINT)
    for degrees in range(0, 360, 60):
        canvas.leaf(600, 338, 56, degrees, MOSS if degrees % 120 else TEAL)
    canvas.disc(600, 338, 12, OCHRE)
    return canvas


def workbench() -> Canvas:
    canvas = Canvas("#F3DDD0")
    canvas.disc(290, 250, 210, CREAM)
    canvas.box(120, 250, 400, 16, DEEP, 8)
    pots = ((160, 84, 70, CLAY), (258, 118, 56, TEAL), (340, 66, 80, OCHRE), (444, 100, 50, MOSS))
    for x, height, width, colour in pots:
        canvas.box(x, 250 - height, width, height, colour, 14)
        canvas.box(x + width * 0.2, 250 - height - 14, width * 0.6, 22, colour, 6)
    canvas.line([(640, 120), (1090, 120)], DEEP, 10)
    for x, colour in ((700, TEAL), (800, CLAY), (900, OCHRE), (1000, MOSS)):
        canvas.line([(x, 120), (x, 156)], DEEP, 5)
        canvas.box(x - 11, 196, 22, 110, "#B98B62", 10)
        canvas.box(x - 32, 152, 64, 50, colour, 10)
    canvas.box(0, 520, WIDTH, 155, "#B98B62")
    canvas.box(0, 500, WIDTH, 34, "#CFA377")
    quilt = (TEAL, HONEY, CLAY, MINT, MOSS, ROSE, OCHRE, SKY)
    for row in range(3):
        for column in range(6):
            x, y = 640 + column * 64, 352 + row * 50
            canvas.box(x, y, 64, 50, quilt[(row * 3 + column) % 8])
            canvas.shape([(x, y), (x + 64, y), (x, y + 50)], quilt[(row * 5 + column + 3) % 8])
    canvas.shape([(300, 500), (420, 500), (446, 392), (274, 392)], TEAL)
    canvas.box(262, 372, 196, 30, DEEP, 10)
    for x, degrees, colour in ((320, -108, MOSS), (360, -86, SAGE), (398, -66, MOSS)):
        canvas.leaf(x, 376, 118, degrees, colour, MINT)
    canvas.line([(120, 600), (WIDTH - 120, 600)], "#A67A53", 4)
    canvas.line([(260, 636), (WIDTH - 320, 636)], "#A67A53", 4)
    return canvas


def farm_rows() -> Canvas:
    canvas = Canvas("#DCEBEA")
    canvas.disc(905, 205, 92, HONEY)
    skyline = ((80, 150), (170, 210), (250, 120), (345, 180), (620, 140), (700, 190), (1010, 130), (1090, 175))
    for number, (x, height) in enumerate(skyline):
        canvas.box(x, 350 - height, 76, height + 30, "#B7CFD3" if number % 2 else "#A6C2C8", 4)
        for window in range(height // 40):
            canvas.box(x + 15, 366 - height + window * 40, 16, 18, "#E4EFEF", 3)
            canvas.box(x + 45, 366 - height + window * 40, 16, 18, "#E4EFEF", 3)
    hill(canvas, 352, 318, 356, SAGE)
    for row in range(12):
        left, right = -1500 + row * 350, -1500 + row * 350 + 176
        top_left, top_right = 600 + (left - 600) * 0.17, 600 + (right - 600) * 0.17
        canvas.shape([(left, 690), (right, 690), (top_right, 352), (top_left, 352)], MOSS if row % 2 else "#7BA78A")
    for row in range(6):
        depth = (row + 1) / 6
        y, spread = 350 + 300 * depth**1.5, 60 + 240 * depth**1.5
        for column in range(-6, 7):
            x, size = 612 + column * spread, 14 + 54 * depth**1.4
            if -60 < x < WIDTH + 60:
                for degrees in (-128, -90, -52):
                    canvas.leaf(x, y, size, degrees, MINT if column % 2 else HONEY)
    return canvas


def bridge() -> Canvas:
    canvas = Canvas("#F4E7D3")
    canvas.disc(600, 250, 168, "#F2C98F")
    hill(canvas, 250, 400, 300, "#E3E9DC")
    hill(canvas, 390, 330, 250, "#D3DFD6")
    canvas.box(0, 560, WIDTH, 115, TEAL)
    for x, y, length in ((340, 596, 90), (520, 628, 130), (700, 600, 80), (790, 642, 70), (420, 650, 60)):
        canvas.line([(x, y), (x + length, y)], "#4C8289", 5)
    canvas.shape([(0, 362), (268, 362), (322, 470), (296, 675), (0, 675)], MOSS)
    canvas.shape([(1200, 362), (932, 362), (878, 470), (904, 675), (1200, 675)], MOSS)
    canvas.shape([(268, 392), (322, 470), (296, 675), (180, 675), (236, 500)], "#4C7A61")
    canvas.shape([(932, 392), (878, 470), (904, 675), (1020, 675), (964, 500)], "#4C7A61")
    arch = curve((284, 560), (600, 210), (916, 560))
    canvas.line(arch, CLAY, 20)
    for x, y in arch[4:-4:4]:
        canvas.line([(x, y), (x, 366)], CLAY, 7)
    canvas.box(220, 350, 760, 24, DEEP, 6)
    for x, colour, size in ((420, OCHRE, 1.0), (486, TEAL, 0.86), (690, CLAY, 1.0), (748, WHITE, 0.9)):
        canvas.box(x - 17 * size, 350 - 66 * size, 34 * size, 66 * size, colour, 16 * size)
        canvas.disc(x, 350 - 84 * size, 17 * size, DEEP)
    return canvas


def calendar() -> Canvas:
    canvas = Canvas(MINT)
    canvas.disc(1010, 560, 300, "#C2DBCB")
    canvas.disc(150, 110, 180, "#E3F0E6")
    canvas.box(256, 116, 600, 480, "#A9C6B4", 28)
    canvas.box(244, 100, 600, 480, WHITE, 28)
    canvas.box(244, 100, 600, 104, CLAY, 28)
    canvas.box(244, 160, 600, 46, CLAY)
    for x in (360, 544, 728):
        canvas.box(x - 9, 66, 18, 78, DEEP, 9)
    for row in range(4):
        for column in range(7):
            x, y = 284 + column * 76, 240 + row * 80
            weekend = column > 4
            canvas.box(x, y, 58, 58, SAND if weekend else "#EAF1EC", 12)
    canvas.disc(284 + 3 * 76 + 29, 240 + 2 * 80 + 29, 46, OCHRE)
    canvas.line([(521, 430), (536, 446), (566, 414)], WHITE, 9)
    canvas.disc(930, 452, 140, "#A9C6B4")
    canvas.disc(922, 440, 140, DEEP)
    canvas.disc(922, 440, 118, WHITE)
    for hour in range(12):
        angle = hour * math.pi / 6
        canvas.disc(922 + 98 * math.cos(angle), 440 + 98 * math.sin(angle), 8 if hour % 3 == 0 else 4, TEAL)
    canvas.line([(922, 440), (922, 366)], DEEP, 10)
    canvas.line([(922, 440), (972, 470)], CLAY, 10)
    canvas.disc(922, 440, 13, DEEP)
    return canvas


def checklist() -> Canvas:
    canvas = Canvas("#E5EDF0")
    canvas.disc(270, 560, 260, "#D2E2E7")
    canvas.disc(1000, 140, 170, "#F1E3C9")
    canvas.box(372, 78, 470, 570, "#BFD2D8", 26)
    canvas.box(360, 64, 470, 570, TEAL, 26)
    canvas.box(392, 104, 406, 500, WHITE, 10)
    canvas.box(506, 38, 178, 72, DEEP, 18)
    canvas.disc(595, 62, 15, "#E5EDF0")
    for row in range(5):
        y = 160 + row * 86
        ticked = row < 3
        canvas.box(430, y, 50, 50, MOSS if ticked else SAND, 12)
        if ticked:
            canvas.line([(442, y + 26), (452, y + 37), (470, y + 14)], WHITE, 8)
        else:
            canvas.box(437, y + 7, 36, 36, WHITE, 8)
        canvas.box(506, y + 6, 240 - 40 * (row % 2), 14, DEEP if ticked else "#9DB3B9", 7)
        canvas.box(506, y + 32, 170 + 50 * (row % 2), 10, "#C8D6DA", 5)
    canvas.tilted(930, 400, 46, 330, 24, OCHRE)
    canvas.tilted(930, 400, 14, 330, 24, HONEY)
    tip = turned([(-23, 165), (23, 165), (0, 226)], 930, 400, 24)
    canvas.shape(tip, SAND)
    canvas.shape(turned([(-8, 206), (8, 206), (0, 226)], 930, 400, 24), DEEP)
    canvas.tilted(1006, 228, 46, 44, 24, "#B9C9CE")
    canvas.tilted(1023, 190, 46, 44, 24, CLAY)
    return canvas


def envelope() -> Canvas:
    canvas = Canvas("#F7E9D7")
    canvas.disc(600, 400, 330, "#F1DCC0")
    canvas.shape([(330, 330), (600, 130), (870, 330)], "#B5543A")
    canvas.box(330, 326, 540, 270, "#B5543A", 0)
    canvas.box(392, 92, 416, 420, "#E4D8C4", 14)
    canvas.box(384, 84, 416, 420, WHITE, 14)
    canvas.box(424, 128, 150, 18, DEEP, 9)
    for row in range(4):
        canvas.box(424, 172 + row * 32, 190 - 26 * (row % 2), 10, "#C9D3D3", 5)
    canvas.disc(700, 204, 64, MINT)
    canvas.line([(700, 250), (700, 186)], TEAL, 6)
    canvas.leaf(700, 222, 58, -150, MOSS)
    canvas.leaf(700, 206, 58, -30, TEAL)
    canvas.shape([(330, 330), (600, 486), (330, 596)], CLAY)
    canvas.shape([(870, 330), (600, 486), (870, 596)], CLAY)
    canvas.shape([(330, 596), (600, 430), (870, 596)], "#D97855")
    for x, y, degrees, colour in (
        (190, 220, -18, SKY),
        (1010, 190, 16, MINT),
        (150, 470, 12, HONEY),
        (1050, 470, -14, ROSE),
    ):
        canvas.tilted(x + 6, y + 8, 130, 88, degrees, "#EAD6B9")
        canvas.tilted(x, y, 130, 88, degrees, colour)
        for offset in (-18, 2, 22):
            ends = turned([(-42, offset), (42 if offset < 20 else 10, offset)], x, y, degrees)
            canvas.line(ends, WHITE, 7)
    return canvas


def network() -> Canvas:
    canvas = Canvas("#E9EFE6")
    nodes = ((270, 270, CLAY), (500, 500, OCHRE), (630, 190, TEAL), (820, 440, MOSS), (970, 200, DEEP))
    for row in range(19):
        for column in range(33):
            x, y = 40 + column * 35 + (row % 2) * 17.5, 30 + row * 34
            land = sum(math.exp(-math.hypot(x - nx, y - ny) / 105) for nx, ny, _ in nodes)
            canvas.disc(x, y, 9 if land > 0.3 else 4, "#B4CDBB" if land > 0.3 else "#D8E4D8")
    links = ((0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 4), (1, 2))
    for start, end in links:
        (x1, y1, _), (x2, y2, _) = nodes[start], nodes[end]
        bend = ((x1 + x2) / 2, (y1 + y2) / 2 - 90)
        canvas.line(curve((x1, y1), bend, (x2, y2)), TEAL, 5)
    for x, y, colour in nodes:
        canvas.disc(x, y, 58, "#E9EFE6")
        canvas.disc(x, y, 50, colour)
        canvas.disc(x, y - 12, 14, WHITE)
        canvas.pen.pieslice([(x - 26) * 2, (y + 4) * 2, (x + 26) * 2, (y + 56) * 2], 180, 360, WHITE)
    return canvas


def horizon() -> Canvas:
    canvas = Canvas("#F8E4CB")
    for radius, colour in ((330, "#F9DDB6"), (250, "#F7D29B"), (170, HONEY), (104, OCHRE)):
        canvas.disc(690, 330, radius, colour)
    hill(canvas, 340, 300, 390, "#BFD3C3")
    hill(canvas, 430, 330, 400, SAGE)
    hill(canvas, 450, 500, 440, MOSS)
    hill(canvas, 590, 480, 560, TEAL)
    path = [*curve((690, 478), (470, 540), (640, 690)), *reversed(curve((702, 478), (600, 550), (850, 690)))]
    canvas.shape(path, CREAM)
    for x, y, size in ((210, 520, 1.0), (290, 540, 0.7), (960, 498, 0.9), (1050, 520, 1.15), (884, 505, 0.6)):
        canvas.box(x - 5 * size, y - 20 * size, 10 * size, 60 * size, DEEP)
        canvas.leaf(x, y + 6 * size, 150 * size, -90, DEEP, MOSS)
    for x, y in ((380, 160), (440, 196), (330, 214)):
        canvas.line([(x - 22, y - 8), (x, y + 4), (x + 22, y - 8)], DEEP, 5)
    return canvas


def speech() -> Canvas:
    canvas = Canvas("#EFE6DA")
    canvas.disc(320, 300, 260, "#F6EFE5")
    canvas.disc(930, 430, 220, "#E3D6C4")
    canvas.box(180, 110, 520, 300, TEAL, 60)
    canvas.shape([(270, 390), (380, 390), (250, 490)], TEAL)
    for x in (250, 330):
        canvas.disc(x, 190, 28, HONEY)
        canvas.shape([(x + 28, 190), (x - 2, 262), (x - 22, 262), (x - 4, 190)], HONEY)
    canvas.box(400, 180, 230, 20, "#CFE0E0", 10)
    canvas.box(400, 224, 180, 20, "#8FB5B6", 10)
    canvas.box(250, 300, 380, 20, "#8FB5B6", 10)
    canvas.box(250, 344, 280, 20, "#8FB5B6", 10)
    canvas.box(560, 330, 460, 230, CLAY, 56)
    canvas.shape([(860, 540), (960, 540), (990, 624)], CLAY)
    for number in range(3):
        canvas.disc(690 + number * 100, 445, 30, CREAM)
    return canvas


def chart() -> Canvas:
    canvas = Canvas(DEEP)
    canvas.disc(1010, 120, 300, "#1D3F4B")
    canvas.disc(150, 640, 260, "#1D3F4B")
    for row in range(5):
        canvas.line([(190, 540 - row * 96), (1010, 540 - row * 96)], "#2B505C", 3)
    bars = ((130, SAGE), (190, MOSS), (170, SAGE), (260, MOSS), (320, OCHRE))
    for column, (height, colour) in enumerate(bars):
        x = 236 + column * 156
        canvas.box(x, 540 - height, 92, height, colour, 12)
        canvas.box(x, 520, 92, 20, colour)
    points = [(282 + column * 156, 540 - height - 54) for column, (height, _) in enumerate(bars)]
    canvas.leaf(906, 168, 92, -140, SAGE, DEEP)
    canvas.leaf(906, 168, 104, -48, MOSS, DEEP)
    canvas.line(points, ROSE, 7)
    for x, y in points:
        canvas.disc(x, y, 17, DEEP)
        canvas.disc(x, y, 12, ROSE)
    canvas.box(170, 538, 860, 10, CREAM, 5)
    for x in range(282, 282 + 5 * 156, 156):
        canvas.box(x - 26, 572, 52, 12, "#5D7D87", 6)
    return canvas


def leaflets() -> Canvas:
    canvas = Canvas("#E7E4EC")
    canvas.disc(600, 360, 280, "#F3F0F6")
    for degrees, colour in ((-17, MOSS), (-6, OCHRE)):
        canvas.tilted(560 + 4 * degrees, 350, 330, 450, degrees, colour)
    canvas.tilted(676, 362, 330, 450, 7, "#CBC5D4")
    canvas.tilted(668, 352, 330, 450, 7, WHITE)
    sheet: list[tuple[float, float, float, float, str]] = [
        (0, -172, 260, 62, TEAL),
        (-40, -108, 180, 12, DEEP),
        (0, -76, 260, 8, "#C9CED2"),
        (-16, -54, 228, 8, "#C9CED2"),
        (-66, 32, 128, 100, MINT),
        (68, 4, 116, 8, "#C9CED2"),
        (68, 26, 116, 8, "#C9CED2"),
        (52, 48, 84, 8, "#C9CED2"),
        (0, 122, 260, 8, "#C9CED2"),
        (-30, 144, 200, 8, "#C9CED2"),
    ]
    for x, y, w, h, colour in sheet:
        (middle,) = turned([(x, y)], 668, 352, 7)
        canvas.tilted(*middle, w, h, 7, colour)
    (foot,) = turned([(-66, 74)], 668, 352, 7)
    for degrees, colour in ((-142, MOSS), (-34, TEAL), (-86, SAGE)):
        canvas.leaf(*foot, 76, degrees, colour)
    (seal,) = turned([(92, 168)], 668, 352, 7)
    canvas.disc(*seal, 46, CLAY)
    canvas.ring(*seal, 34, ROSE, 4)
    canvas.line([(seal[0] - 15, seal[1] + 1), (seal[0] - 4, seal[1] + 13), (seal[0] + 17, seal[1] - 12)], WHITE, 7)
    return canvas


def placeholder() -> Canvas:
    """A neutral field: not an emblem, not a flag, and not in anybody's colours."""
    canvas = Canvas("#F4F4F2", (720, 160))
    for start in range(12, 700, 24):
        for y in (10, 150):
            canvas.line([(start, y), (start + 12, y)], "#8A8A84", 2)
    for start in range(18, 142, 24):
        for x in (10, 710):
            canvas.line([(x, start), (x, start + 12)], "#8A8A84", 2)
    canvas.box(44, 44, 98, 72, "#DCDCD7", 8)
    canvas.shape([(54, 106), (82, 68), (102, 92), (114, 80), (132, 106)], "#A9A9A2")
    canvas.disc(118, 62, 8, "#A9A9A2")
    canvas.pen.text(
        (176 * SCALE, 80 * SCALE), "Your funding visual here", "#55554F", ImageFont.load_default(72), "lm"
    )
    return canvas


SCENES: dict[str, Callable[[], Canvas]] = {
    "_assets/funding-placeholder.png": placeholder,
    "2024-05-27-partners-in-seine-saint-denis/meeting-table.png": meeting_table,
    "2024-06-12-workshop-school/workbench.png": workbench,
    "2024-07-03-city-farm/farm-rows.png": farm_rows,
    "2024-10-15-mapping-the-gaps/bridge.png": bridge,
    "2025-02-11-what-is-microcredit/coins-and-leaf.png": coins_and_leaf,
    "2025-05-20-guide-first-conversation/checklist.png": checklist,
    "2025-09-30-call-for-good-practices/envelope.png": envelope,
    "2026-02-17-five-countries-one-method/network.png": network,
    "2026-09-21-online-session/calendar.png": calendar,
    "2026-10-06-policy-brief/leaflets.png": leaflets,
    "2026-11-03-questions-to-a-lender/two-voices.png": speech,
    "2031-03-04-results/chart.png": chart,
    "2031-09-10-looking-ahead/horizon.png": horizon,
}


def main() -> None:
    for name, scene in SCENES.items():
        path = NEWS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = scene().finished().quantize(160, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        picture.save(path, optimize=True)
        print(f"{path.stat().st_size:>8,} bytes  {name}")


if __name__ == "__main__":
    main()
