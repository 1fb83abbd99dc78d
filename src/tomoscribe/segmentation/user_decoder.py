"""A function of the user's own file as a decoder. It is code, so it runs only where that is said.

The file defines `decode(maps)` (or `process_func`, as for the CellMap toolbox), which gets scores
(map, z, y, x) as float32 in 0..1 and returns numbered objects (z, y, x), 0 for background. Where
it takes arguments of these names, it is also told `map_names` and `voxel_size_zyx_nm`.
"""

from __future__ import annotations

import inspect
import runpy
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.segmentation.decoders import Segmentation
from tomoscribe.segmentation.renumber import renumbered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Triple = tuple[float, float, float]

NAMES = ("decode", "process_func")
_MOST = np.iinfo(np.int32).max


def user_decoder(
    path: Path, map_names: Sequence[str], voxel_size_zyx_nm: Triple, *, trusted: bool
) -> Callable[[NDArray[Any]], Segmentation]:
    """Return the function of a file, for boxes of maps (map, z, y, x) of uint8 or float.

    Parameters
    ----------
    path : Path
        A Python file.
    map_names : sequence of str
    voxel_size_zyx_nm : tuple of float
    trusted : bool
        The user has said that the file may run.

    Raises
    ------
    TomoscribeError
        If it may not run, fails, or has no such function; the decoder too, if its labels are none.
    """
    if not trusted:
        raise TomoscribeError(
            f"{path} is code, which can do anything on this computer: if you know it, say so with "
            "--trust-function."
        )
    if not path.is_file():
        raise TomoscribeError(f"There is no file {path}.")
    try:
        defined = runpy.run_path(str(path))
    except Exception as error:
        raise _failed(str(path), error) from error
    function = next((defined[n] for n in NAMES if callable(defined.get(n))), None)
    if function is None:
        raise TomoscribeError(f"{path} defines no function {' or '.join(NAMES)}.")
    return function_decoder(function, str(path), map_names, voxel_size_zyx_nm)


def function_decoder(
    function: Callable[..., Any],
    name: str,
    map_names: Sequence[str],
    voxel_size_zyx_nm: Triple,
) -> Callable[[NDArray[Any]], Segmentation]:
    """Return a function of the user's as a decoder of boxes; `name` is what sentences call it.

    The decoder raises `TomoscribeError` if the function fails, or its labels are none.
    """
    told = {"map_names": tuple(map_names), "voxel_size_zyx_nm": voxel_size_zyx_nm}
    wanted = inspect.signature(function).parameters
    named = {name: value for name, value in told.items() if name in wanted}

    def decode_box(box: NDArray[Any]) -> Segmentation:
        scores = box.astype(np.float32) / 255 if box.dtype == np.uint8 else box
        try:
            given = np.asarray(function(scores, **named))
        except Exception as error:
            raise _failed(name, error) from error
        labels = renumbered(_checked(name, given, box.shape[1:]))
        count = int(labels.max(initial=0))
        return Segmentation(labels.astype(np.uint32), ("object",), np.r_[-1, np.zeros(count, int)])

    return decode_box


def _failed(name: str, error: Exception) -> TomoscribeError:
    return TomoscribeError(f"{name} failed: {type(error).__name__}: {error}.")


def _checked(name: str, given: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return labels as int32; a first axis of one map is taken off."""
    if given.ndim == len(shape) + 1 and given.shape[0] == 1:
        given = given[0]
    if given.shape != shape:
        raise TomoscribeError(f"{name} returned labels of {given.shape}, not of {shape}.")
    if given.dtype == bool:
        given = given.astype(np.int32)
    if given.dtype.kind not in "iu":
        raise TomoscribeError(f"{name} returned {given.dtype}, not whole numbers.")
    if given.size and (int(given.min()) < 0 or int(given.max()) > _MOST):
        raise TomoscribeError(f"{name} returned labels that are not between 0 and {_MOST}.")
    return given.astype(np.int32)
