"""Statistics of the picks of one or several membranes as plain tables: rows of names and values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.sites import Domain, place_sites
from tomoscribe.membranes.statistics import (
    SIMULATIONS,
    density_per_area,
    nearest_neighbours,
    ripley,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Row = dict[str, str | int | float]
"""One line of a table; its keys are the columns, and the same in every row of it."""


@dataclass(frozen=True)
class StatisticsTables:
    """Everything that is told about the picks of membranes.

    Parameters
    ----------
    densities : list of Row
        `membrane, class, count, area_um2, per_um2, median_neighbour_A` (of the same class).
    neighbours : list of Row
        `membrane, class, other_class, distance_A`: one row a pick and class.
    ripley : list of Row
        `membrane, class, other_class, radius_A, ratio, low, high, K_A2, L_A`.
    notes : tuple of str
    """

    densities: list[Row]
    neighbours: list[Row]
    ripley: list[Row]
    notes: tuple[str, ...]


def default_radii_A(domain: Domain, steps: int = 20) -> NDArray[np.float64]:
    """Return radii for Ripley's function: up to a quarter of the domain's width, at most 1000 Å."""
    largest = min(np.sqrt(domain.area_A2) / 4, 1000.0)
    radii: NDArray[np.float64] = np.linspace(largest / steps, largest, steps)
    return radii


def statistics_tables(
    domains: Mapping[str, Domain],
    zyx: NDArray[np.float64],
    classes: Sequence[str],
    *,
    radii_A: NDArray[np.float64] | None = None,
    simulations: int = SIMULATIONS,
    between: bool = True,
) -> StatisticsTables:
    """Return the tables of picks; each counts for the membrane that it is nearest to.

    Parameters
    ----------
    domains : mapping of str to Domain
        By the membrane's name.
    zyx : (N, 3) array
        Voxels.
    classes : (N,) sequence of str
    radii_A : (R,) array, optional
        For Ripley's function; from the domain's size if omitted.
    simulations : int
        Random arrangements for its envelope.
    between : bool
        Ripley's function also between classes.
    """
    names = np.asarray(classes, dtype=np.str_)
    owner = _nearest_domain(domains, zyx)
    tables = StatisticsTables([], [], [], ())
    notes: list[str] = []
    for index, (name, domain) in enumerate(domains.items()):
        sites, remarks = place_sites(domain, zyx[owner == index], list(names[owner == index]))
        notes += [f"{name}: {remark}" for remark in remarks]
        medians = {}
        for found in nearest_neighbours(domain, sites):
            pair: Row = {
                "membrane": name,
                "class": found.from_class,
                "other_class": found.to_class,
            }
            tables.neighbours.extend(pair | {"distance_A": float(d)} for d in found.distances_A)
            if found.from_class == found.to_class:
                medians[found.from_class] = float(np.median(found.distances_A))
            if found.from_class == found.to_class or between:
                radii = default_radii_A(domain) if radii_A is None else radii_A
                one, other = found.from_class, found.to_class
                result = ripley(domain, sites, radii, one, other, simulations=simulations)
                columns = {
                    "radius_A": result.radii_A,
                    "ratio": result.ratio,
                    "low": result.low,
                    "high": result.high,
                    "K_A2": result.k_A2,
                    "L_A": result.l_A,
                }
                for k in range(len(radii)):
                    values: Row = {key: float(column[k]) for key, column in columns.items()}
                    tables.ripley.append(pair | values)
        tables.densities.extend(
            {
                "membrane": name,
                "class": density.class_name,
                "count": density.count,
                "area_um2": density.area_um2,
                "per_um2": density.per_um2,
                "median_neighbour_A": medians[density.class_name],
            }
            for density in density_per_area(domain, sites)
        )
    return StatisticsTables(tables.densities, tables.neighbours, tables.ripley, tuple(notes))


def _nearest_domain(domains: Mapping[str, Domain], zyx: NDArray[np.float64]) -> NDArray[np.intp]:
    if len(domains) < 2:
        return np.zeros(len(zyx), dtype=np.intp)
    away = [SurfaceLocator(domain.mesh).closest_many(zyx)[3] for domain in domains.values()]
    return np.asarray(np.argmin(away, axis=0), dtype=np.intp)
