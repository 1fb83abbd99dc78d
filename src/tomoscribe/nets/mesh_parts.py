"""Parts of meshes, resident on a device and batched: padded, their gradients on one diagonal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tomoscribe.nets.mesh_sparse import Rows, SparseOperator, on_diagonal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy import sparse

    from tomoscribe.membranes.operators import Operators


@dataclass(frozen=True)
class PartBatch:
    """Operators of B parts, padded to N vertices and K eigenvectors.

    Parameters
    ----------
    mass : (B, N) tensor
        0 where padded, so that padding adds nothing to any part's spectrum.
    eigenvalues : (B, K) tensor
        Of the Laplacian.
    eigenvectors : (B, N, K) tensor
        0 where padded.
    gradient : SparseOperator
        From (B N, C) to (2 B N, C): first all x components, then all y components.
    valid : (B, N) tensor of bool
        Which vertices are no padding.
    """

    mass: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor
    gradient: SparseOperator
    valid: Tensor


@dataclass(frozen=True)
class _Part:
    mass: Tensor
    eigenvalues: Tensor
    eigenvectors: Tensor
    gradients: tuple[Rows, Rows]
    transposes: tuple[Rows, Rows]


class ResidentParts:
    """Operators of many parts on a device: any batch is put together there.

    Parameters
    ----------
    operators : sequence of Operators
        One a part, with eigenvectors.
    device : torch.device
        Where they shall be; a part of 2000 vertices with 128 eigenvectors takes 1.3 MB.
    """

    def __init__(self, operators: Sequence[Operators], device: torch.device) -> None:
        self._parts = [_resident(one, device) for one in operators]

    def __len__(self) -> int:
        return len(self._parts)

    def batch(self, chosen: Sequence[int]) -> PartBatch:
        """Return the batch of some parts, padded to the largest of them."""
        parts = [self._parts[index] for index in chosen]
        n = max(len(part.mass) for part in parts)
        k = max(len(part.eigenvalues) for part in parts)
        mass = torch.stack([_padded(part.mass, n) for part in parts])
        # A padded eigenvector is 0 everywhere, so that its eigenvalue does not matter.
        values = torch.stack([_padded(part.eigenvalues, k) for part in parts])
        vectors = torch.stack(
            [
                torch.nn.functional.pad(
                    part.eigenvectors,
                    (0, k - part.eigenvectors.shape[1], 0, n - part.eigenvectors.shape[0]),
                )
                for part in parts
            ]
        )
        forward = _stacked([on_diagonal([p.gradients[a] for p in parts], n, n) for a in (0, 1)])
        back = _beside([on_diagonal([p.transposes[a] for p in parts], n, n) for a in (0, 1)])
        gradient = SparseOperator(forward.matrix(), back.matrix())
        return PartBatch(mass, values, vectors, gradient, mass > 0)


def _resident(operators: Operators, device: torch.device) -> _Part:
    x, y = operators.gradient_x, operators.gradient_y

    def tensor(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device)

    return _Part(
        tensor(operators.mass),
        tensor(operators.eigenvalues),
        tensor(operators.eigenvectors),
        (Rows.of(x, device), Rows.of(y, device)),
        (_transposed(x, device), _transposed(y, device)),
    )


def _transposed(matrix: sparse.csr_array, device: torch.device) -> Rows:
    return Rows.of(matrix.T.tocsr(), device)


def _padded(values: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, length - len(values)))


def _stacked(two: list[Rows]) -> Rows:
    """Return one matrix below the other."""
    first, second = two
    return Rows(
        torch.cat([first.starts, second.starts[1:] + len(first.values)]),
        torch.cat([first.columns, second.columns]),
        torch.cat([first.values, second.values]),
        first.width,
    )


def _beside(two: list[Rows]) -> Rows:
    """Return two matrices of the same pattern side by side."""
    first, second = two
    lengths = first.starts.diff().long()
    row = torch.repeat_interleave(torch.arange(first.height, device=lengths.device), lengths)
    place = torch.arange(len(first.values), device=lengths.device)
    # A row of both begins at twice the start of a row of one.
    begin = first.starts[:-1].long()[row]
    left, right = place + begin, place + begin + lengths[row]
    columns = torch.empty(2 * len(place), dtype=first.columns.dtype, device=lengths.device)
    values = torch.empty(2 * len(place), dtype=first.values.dtype, device=lengths.device)
    columns[left], columns[right] = first.columns, second.columns + first.width
    values[left], values[right] = first.values, second.values
    return Rows(2 * first.starts, columns, values, first.width + second.width)
