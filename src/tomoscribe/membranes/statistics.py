"""How particles lie on a membrane: density, neighbours along the surface, Ripley's function.

Distances are geodesic, in Å. What is counted and what is expected is limited to the same domain,
the whole mesh or a patch of it, so that edges and curvature need no formula of their own. A
closed mesh around a membrane has both faces: its area counts them both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.membranes.sites import (
    Domain,
    Sites,
    join_sites,
    random_sites,
    site_distances,
    sites_graph,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

A2_IN_UM2 = 1e8
SIMULATIONS = 99
"""Random arrangements that the envelope is made of: with 99, 5 of 100 lie outside by chance."""
_CANDIDATES = (600, 6)
"""Random places that the arrangements are drawn from: so many, and per pick."""
_MOST_CANDIDATES = 2000
_AT_ONCE = 64


@dataclass(frozen=True)
class Density:
    """Particles of one class in an area."""

    class_name: str
    count: int
    area_um2: float

    @property
    def per_um2(self) -> float:
        """Particles per µm²."""
        return self.count / self.area_um2 if self.area_um2 > 0 else float("nan")


def density_per_area(domain: Domain, sites: Sites) -> list[Density]:
    """Return how many particles of each class there are, and in what area."""
    area = domain.area_A2 / A2_IN_UM2
    return [
        Density(str(name), int((sites.classes == name).sum()), area)
        for name in np.unique(sites.classes)
    ]


@dataclass(frozen=True)
class Neighbours:
    """Distance from each site of one class to the nearest other site of another or the same.

    Parameters
    ----------
    from_class, to_class : str
    distances_A : (N,) array
        Along the surface; infinite where there is none that can be reached.
    """

    from_class: str
    to_class: str
    distances_A: NDArray[np.float64]


def nearest_neighbours(domain: Domain, sites: Sites) -> list[Neighbours]:
    """Return nearest-neighbour distances along the surface, within and between all classes."""
    names = np.unique(sites.classes)
    nearest = np.full((len(sites), len(names)), np.inf)
    # Neighbours are near as a rule: what is not found within a few spacings is sought farther.
    spacing = np.sqrt(domain.area_A2 / max(len(sites), 1))
    limit, left = 4 * spacing, np.arange(len(sites))
    graph = sites_graph(domain, sites)
    while len(left):
        for start in range(0, len(left), _AT_ONCE):
            rows = left[start : start + _AT_ONCE]
            _, apart = site_distances(domain, graph, rows, limit)
            apart[np.arange(len(rows)), rows] = np.inf
            for k, name in enumerate(names):
                nearest[rows, k] = apart[:, sites.classes == name].min(axis=1, initial=np.inf)
        if np.isinf(limit):
            break
        left = left[np.isinf(nearest[left]).any(axis=1)]
        limit = limit * 8 if limit < 100 * spacing else np.inf
    return [
        Neighbours(str(one), str(other), nearest[sites.classes == one, k])
        for one in names
        for k, other in enumerate(names)
    ]


@dataclass(frozen=True)
class Ripley:
    """Ripley's function: how many neighbours there are against how many chance would give.

    Parameters
    ----------
    from_class, to_class : str
    radii_A : (R,) array
    ratio : (R,) array
        Neighbours within the radius over those of complete randomness; 1 means random, more
        clustered, less kept apart. NaN where nothing is expected.
    low, high : (R,) arrays
        95 % of random arrangements on the same domain lie between these.
    """

    from_class: str
    to_class: str
    radii_A: NDArray[np.float64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def k_A2(self) -> NDArray[np.float64]:
        """Ripley's K in Å², on the scale of the plane: ratio × π r²."""
        return np.asarray(self.ratio * np.pi * self.radii_A**2)

    @property
    def l_A(self) -> NDArray[np.float64]:
        """Besag's L in Å: the radius where the arrangement is random."""
        return np.asarray(np.sqrt(self.k_A2 / np.pi))


def ripley(
    domain: Domain,
    sites: Sites,
    radii_A: ArrayLike,
    from_class: str,
    to_class: str,
    *,
    simulations: int = SIMULATIONS,
    seed: int = 0,
) -> Ripley:
    """Return Ripley's function of one class about another or the same, with its envelope.

    What is expected within a radius of a site is the density times the domain's area there
    (Ripley 1977, doi:10.1111/j.2517-6161.1977.tb01615.x, with the true area in place of an edge
    factor). The envelope is that of random arrangements of the second class about the first, or
    of the class itself (Monte Carlo, pointwise 2.5 to 97.5 %).

    Parameters
    ----------
    domain : Domain
    sites : Sites
    radii_A : (R,) array_like
        Ascending; below two edges of the mesh the areas are coarse.
    from_class, to_class : str
    simulations : int
        Random arrangements; 0 leaves the envelope NaN.
    seed : int
    """
    radii = np.asarray(radii_A, dtype=np.float64).reshape(-1)
    same = from_class == to_class
    ours = sites.take(sites.classes == from_class)
    others = ours if same else sites.take(sites.classes == to_class)
    rng = np.random.default_rng(seed)
    count = min(max(_CANDIDATES[0], _CANDIDATES[1] * len(others)), _MOST_CANDIDATES)
    chance = random_sites(domain, count if simulations else 0, rng)
    n, m = len(ours), len(others)
    joined = join_sites(ours, chance) if same else join_sites(ours, others, chance)
    # On itself, arrangements are drawn from places whose own neighbours must be known too.
    rows = np.arange(len(joined)) if same else np.arange(n)
    within, areas = _counts(domain, joined, rows, radii)
    per_area = (m - 1 if same else m) / domain.area_A2 if m else 0.0
    targets = slice(0, n) if same else slice(n, n + m)
    ratio = _ratio([w[:n, targets] for w in within], areas[:n], per_area)
    runs = []
    for _ in range(simulations if count >= m else 0):
        drawn = len(joined) - len(chance) + rng.choice(len(chance), m, replace=False)
        start = drawn if same else np.arange(n)
        matrices = [w[start][:, drawn] for w in within]
        runs.append(_ratio(matrices, areas[start], per_area))
    nothing = np.full(len(radii), np.nan)
    low, high = np.quantile(runs, [0.025, 0.975], axis=0) if runs else (nothing, nothing)
    return Ripley(from_class, to_class, radii, ratio, low, high)


def _ratio(
    within: list[scipy.sparse.csr_array], areas_A2: NDArray[np.float64], per_area: float
) -> NDArray[np.float64]:
    found = np.array([float(matrix.sum()) for matrix in within])
    expected = areas_A2.sum(axis=0) * per_area
    safe = np.where(expected > 0, expected, 1.0)
    ratio: NDArray[np.float64] = np.where(expected > 0, found / safe, np.nan)
    return ratio


def _counts(
    domain: Domain, sites: Sites, rows: NDArray[np.intp], radii: NDArray[np.float64]
) -> tuple[list[scipy.sparse.csr_array], NDArray[np.float64]]:
    """Return which sites are within each radius of which, and the domain's areas (rows, R)."""
    areas = np.zeros((len(rows), len(radii)))
    parts = []
    used = np.flatnonzero(domain.areas_A2 > 0)
    graph = sites_graph(domain, sites)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        to_vertices, apart = site_distances(domain, graph, some, float(radii[-1]))
        apart[np.arange(len(some)), some] = np.inf
        i, j = np.nonzero(np.isfinite(apart))
        parts.append((i + start, j, apart[i, j]))
        for k, radius in enumerate(radii):
            near = to_vertices[:, used] <= radius
            areas[start : start + len(some), k] = near @ domain.areas_A2[used]
    row, column, away = (
        np.concatenate([part[axis] for part in parts]) if parts else np.zeros(0, int)
        for axis in range(3)
    )
    shape = (len(rows), len(sites))
    within = []
    for radius in radii:
        near = away <= radius
        ones = np.ones(int(near.sum()), dtype=np.int32)
        within.append(scipy.sparse.csr_array((ones, (row[near], column[near])), shape=shape))
    return within, areas
