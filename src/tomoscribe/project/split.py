"""What trains and what validates: whole tomograms, whole membranes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.project.model import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

ENOUGH_TOMOGRAMS = 4
"""With fewer labelled tomograms each one is needed more for training than for validation."""

ENOUGH_MEMBRANES = 3
"""The same for membranes, of which one tomogram holds several that are much alike."""


def split_by_tomogram(
    pick_counts: Mapping[str, int], share: float = 0.2, enough: int = ENOUGH_TOMOGRAMS
) -> dict[str, Role]:
    """Choose which tomograms, or membranes, validate.

    Parameters
    ----------
    pick_counts : mapping of str to int
        Labelled picks of each tomogram.
    share : float
        Share of all picks that should validate.
    enough : int
        With fewer labelled ones all train.

    Returns
    -------
    dict of str to Role
        With fewer than `enough` labelled tomograms all of them train. Otherwise those with
        few picks validate first, up to the share and never the one with most picks:
        training gains more from a rich tomogram.
    """
    labelled = sorted(
        (name for name, n in pick_counts.items() if n), key=lambda n: (pick_counts[n], n)
    )
    roles = dict.fromkeys(pick_counts, Role.TRAIN)
    if len(labelled) < enough:
        return roles
    wanted = share * sum(pick_counts.values())
    held = 0
    for name in labelled[:-1]:
        if held and held + pick_counts[name] > wanted:
            break
        roles[name] = Role.VALIDATE
        held += pick_counts[name]
    return roles
