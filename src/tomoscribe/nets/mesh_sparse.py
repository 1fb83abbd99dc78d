"""Sparse operators of meshes as resident tensors that gradients flow through.

A product with a compressed sparse row matrix costs 0.3 ms for 13k vertices and 16 channels in one
thread, a padded gather of the same neighbours 2 ms, coordinate format 2.7 ms; so everything sparse
is CSR, with the transpose kept beside it for the way back.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csr_array

# PyTorch says once in a process that CSR is in beta. Let it, where nobody hears: what is used of
# it is a product with a dense matrix, which the tests check.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
    torch.sparse_csr_tensor([0, 0], [], [], (1, 1), check_invariants=False)


@dataclass(frozen=True)
class Rows:
    """A CSR matrix in three tensors, so that several can be put on one diagonal."""

    starts: Tensor
    columns: Tensor
    values: Tensor
    width: int

    @classmethod
    def of(cls, matrix: csr_array, device: torch.device) -> Rows:
        """Copy a matrix to a device, float32 with 32-bit indices."""
        return cls(
            torch.from_numpy(matrix.indptr.astype(np.int32)).to(device),
            torch.from_numpy(matrix.indices.astype(np.int32)).to(device),
            torch.from_numpy(matrix.data.astype(np.float32)).to(device),
            int(matrix.shape[1]),
        )

    @property
    def height(self) -> int:
        """Rows of the matrix."""
        return len(self.starts) - 1

    def matrix(self) -> Tensor:
        """Return the sparse tensor."""
        return torch.sparse_csr_tensor(
            self.starts,
            self.columns,
            self.values,
            (self.height, self.width),
            check_invariants=False,  # scipy made them; a check would cost as much as a product
        )


def on_diagonal(blocks: Sequence[Rows], height: int, width: int) -> Rows:
    """Put matrices on one diagonal, each in a block of `height` rows and `width` columns."""
    starts, columns, filled = [], [], 0
    for number, block in enumerate(blocks):
        missing = height - block.height
        own = block.starts if number == 0 else block.starts[1:]
        starts.append(own + filled)
        filled += len(block.values)
        if missing:
            starts.append(block.starts.new_full((missing,), filled))
        columns.append(block.columns + number * width)
    return Rows(
        torch.cat(starts),
        torch.cat(columns),
        torch.cat([block.values for block in blocks]),
        len(blocks) * width,
    )


class _Product(torch.autograd.Function):
    """`matrix` times x; the transpose serves the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradients[0], None, None


@dataclass(frozen=True)
class SparseOperator:
    """A fixed sparse matrix that acts on vertex features (V, C)."""

    matrix: Tensor
    transposed: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return the matrix applied to `x` (V, C)."""
        result: Tensor = _Product.apply(x, self.matrix, self.transposed)  # type: ignore[no-untyped-call]
        return result
