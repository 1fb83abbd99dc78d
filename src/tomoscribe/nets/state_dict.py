"""Weights without what they are of, as other programs write them, for a network of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.trusted_net import TrustedNet

if TYPE_CHECKING:
    from torch import nn

_SHOWN = 3


def is_state_dict(state: dict[str, object]) -> bool:
    """Return whether a file's content is the tensors of a network, by name, and nothing else."""
    return bool(state) and all(isinstance(value, Tensor) for value in state.values())


def load_state_dict(module: nn.Module, state: dict[str, Tensor], name: str) -> None:
    """Load weights into each network in a training that a file of the user's built.

    Parameters
    ----------
    module : nn.Module
        The training, with the network and the average of its weights.
    state : dict
        Tensors by their names in the user's network.
    name : str
        The file, for sentences.

    Raises
    ------
    TomoscribeError
        If no file built the network, or the weights are of another one.
    """
    nets = [part for part in module.modules() if isinstance(part, TrustedNet)]
    if not nets:
        raise TomoscribeError(
            f"{name} holds weights alone, of a network of another program, which do not fit the "
            "networks here: let the configuration build that network (model = ...) and run it "
            "with --trust-config, or begin anew: another model_name, with the network in `model`."
        )
    for net in nets:
        _check(net.model, state, name)
        net.model.load_state_dict(state)


def _check(model: nn.Module, state: dict[str, Tensor], name: str) -> None:
    own = model.state_dict()
    lacking, foreign = own.keys() - state.keys(), state.keys() - own.keys()
    if lacking or foreign:
        what, names = ("lacks", lacking) if lacking else ("has more than the network:", foreign)
        shown = ", ".join(sorted(names)[:_SHOWN])
        raise TomoscribeError(
            f"{name} holds the weights of another network than the configuration builds: it "
            f"{what} {shown}{' ...' if len(names) > _SHOWN else ''}."
        )
    for key, value in own.items():
        if value.shape != state[key].shape:
            raise TomoscribeError(
                f"{name} holds the weights of another network than the configuration builds: {key} "
                f"has the shape {tuple(state[key].shape)}, not {tuple(value.shape)}; check the "
                "number of classes."
            )
