"""A membrane with scores as a picture, drawn with arrays alone: it needs no display and no GPU.

Points spread over all triangles are thrown onto the pixels, the nearest last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.pictures import (
    A_RGB,
    B_RGB,
    BRIGHT_SHARE,
    FAINTEST,
    Mark,
    Picture,
    PictureRow,
    png,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.evaluation.compared import ComparedSample, ScoredClass
    from tomoscribe.evaluation.evidence import Surface

SIZE = 420
"""Pixels along both edges."""

GROUND_RGB = (200, 200, 200)
AMBIENT = 0.35
"""Brightness of a face that is seen edge on."""

MOST_STEPS = 12
"""Points along a triangle's edge at most; coarser meshes show gaps, which nobody minds."""

FACING = 0.25
"""Cosine between normal and way to the viewer below which a mark is on the limb or behind it."""


def membrane_rows(sample: ComparedSample, class_name: str) -> list[PictureRow]:
    """Return a row of pictures for each of two opposite views of a membrane.

    Parameters
    ----------
    sample : ComparedSample
        A membrane with the scores of one or both sides.
    class_name : str
        The class.
    """
    surface = sample.evidence.surface
    scored = {k: s[class_name] for k, s in sample.sides.items() if class_name in s}
    if surface is None or not scored:
        return []
    maps = {k: s.scores.scores.reshape(-1) for k, s in scored.items()}
    rows = []
    for side, sign in (("one side", 1.0), ("the other side", -1.0)):
        view = View(surface, sign)
        pictures = []
        for letter, one in scored.items():
            strongest = max(float(np.quantile(maps[letter], BRIGHT_SHARE)), FAINTEST)
            rgb = A_RGB if letter == "A" else B_RGB
            colors = _mixed(maps[letter] / strongest, rgb)
            pictures.append(
                Picture(letter, SIZE, SIZE, png(view.draw(colors)), None, _marks(one, view))
            )
        if {"A", "B"} <= maps.keys():
            change = maps["B"] - maps["A"]
            strongest = max(float(np.abs(change).max(initial=0.0)), FAINTEST)
            colors = np.where(
                (change < 0)[:, None],
                _mixed(-change / strongest, A_RGB),
                _mixed(change / strongest, B_RGB),
            )
            pictures.append(Picture("B − A", SIZE, SIZE, png(view.draw(colors))))
        rows.append(PictureRow(f"{sample.evidence.name}, from {side}", tuple(pictures)))
    return rows


class View:
    """A membrane seen from far away, along the axis in which it is thinnest.

    Parameters
    ----------
    surface : Surface
        The membrane.
    sign : float
        1 from one side, -1 from the other.
    """

    def __init__(self, surface: Surface, sign: float) -> None:
        vertices = surface.membrane.mesh.vertices_zyx
        self.centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        spread = np.cov((vertices - vertices.mean(axis=0)).T)
        axes = np.linalg.eigh(spread)[1].T[::-1]  # the longest first
        right, down = axes[0], axes[1]
        self.towards = sign * np.cross(right, down)
        self.axes = np.stack([sign * right, down])
        flat = (vertices - self.centre) @ self.axes.T
        self.scale = 0.88 * SIZE / max(2 * float(np.abs(flat).max()), 1e-9)
        self._faces = surface.membrane.mesh.faces
        self._corners = vertices[self._faces]
        self.normals = surface.membrane.normals_zyx

    def pixels(self, zyx: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where positions (N, 3) in voxels are seen, (N, 2) x y in pixels."""
        return np.asarray(SIZE / 2 + self.scale * ((zyx - self.centre) @ self.axes.T))

    def draw(self, colors: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return the picture (height, width, 4) of vertices with colours (V, 3) in 0..255."""
        light = AMBIENT + (1 - AMBIENT) * np.abs(self.normals @ self.towards)
        shaded = np.clip(colors * light[:, None], 0, 255)[self._faces]
        places = self.pixels(self._corners.reshape(-1, 3)).reshape(-1, 3, 2)
        depth = (self._corners @ self.towards)[..., None]
        corners = np.concatenate([places, depth, shaded], axis=2)
        points = (_weights(places) @ corners).reshape(-1, 6)
        points = points[np.argsort(points[:, 2], kind="stable")]
        column, line = np.clip(points[:, :2].astype(int), 0, SIZE - 1).T
        picture = np.zeros((SIZE, SIZE, 4), np.uint8)
        picture[line, column, :3] = points[:, 3:]
        picture[line, column, 3] = 255
        return picture


def _weights(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return corner weights (P, 3) of points so dense that triangles (F, 3, 2) leave no gap."""
    edges = np.linalg.norm(places - np.roll(places, 1, axis=1), axis=2)
    longest = float(np.percentile(edges, 99)) if edges.size else 1.0
    steps = int(np.clip(np.ceil(1.5 * longest), 1, MOST_STEPS))
    i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1), indexing="ij")
    inside = i + j <= steps
    first, second = i[inside] / steps, j[inside] / steps
    return np.stack([first, second, 1 - first - second], axis=1)


def _mixed(strength: NDArray[np.floating], rgb: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the ground's colour mixed with another (V, 3) as much as `strength` 0..1 says."""
    share = np.clip(strength, 0, 1)[:, None]
    return np.asarray((1 - share) * np.array(GROUND_RGB) + share * np.array(rgb))


def _marks(one: ScoredClass, view: View) -> tuple[Mark, ...]:
    """Return the proposals and missed particles of the side that is seen."""
    verdicts, found = one.judged.at(one.threshold), one.judged.proposals
    missed = [one.judged.known.accepted[i] for i in verdicts.missed]
    zyx = np.array([p.zyx for p in missed]).reshape(-1, 3)
    normals = np.array([p.normal_zyx for p in missed], dtype=float).reshape(-1, 3)
    assert found.normals_zyx is not None
    zyx = np.concatenate([found.zyx[verdicts.shown], zyx])
    normals = np.concatenate([found.normals_zyx[verdicts.shown], normals])
    standings = [*map(Standing, verdicts.standing.tolist()), *[Standing.MISSED] * len(missed)]
    seen = normals @ view.towards > FACING
    radius = found.diameter_voxels / 2 * view.scale
    return tuple(
        Mark(float(x), float(y), radius, standing)
        for (x, y), standing, facing in zip(view.pixels(zyx), standings, seen, strict=True)
        if facing
    )
