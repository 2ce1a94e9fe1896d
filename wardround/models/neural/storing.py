"""Networks on disk: safetensors, read into the architecture that plain numbers describe; nothing is executed."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from wardround.errors import Corrupted
from wardround.models.neural.networks import built

WEIGHTS = "model.safetensors"
_OTHERS = "its weights are not of the sizes that the learner's architecture has"


def packed_weights(networks: Sequence[nn.Module]) -> bytes:
    """Return the weights of all members as safetensors: the same bytes for the same weights."""
    return save(
        {
            f"{number}.{name}": tensor.detach().contiguous()
            for number, network in enumerate(networks)
            for name, tensor in network.state_dict().items()
        }
    )


def unpacked_networks(body: bytes, name: str, shape: Mapping[str, Any], members: int, *, place: str) -> list[nn.Module]:
    """Return the *members* networks *name* of *shape* with the weights in *body*.

    The architecture is laid out without memory first, so that absurd sizes cost nothing.

    Raises:
        Corrupted: the weights are not those of such networks.
    """
    where = f"{place}/{WEIGHTS}"
    try:
        tensors = load(body)
    except (SafetensorError, ValueError, KeyError):
        raise Corrupted(where, "it cannot be read as safetensors") from None
    with torch.device("meta"):
        layout = built(name, shape).state_dict()
    if not 0 < len(tensors) == members * len(layout):  # asked first: members may be absurdly many
        raise Corrupted(where, _OTHERS)
    wanted = {
        f"{number}.{key}": (tensor.shape, tensor.dtype) for number in range(members) for key, tensor in layout.items()
    }
    if {key: (tensor.shape, tensor.dtype) for key, tensor in tensors.items()} != wanted:
        raise Corrupted(where, _OTHERS)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise Corrupted(where, "a weight is not finite")
    out = []
    for number in range(members):
        with torch.device("meta"):
            network = built(name, shape)
        own = f"{number}."
        state = {key.removeprefix(own): tensor for key, tensor in tensors.items() if key.startswith(own)}
        network.load_state_dict(state, assign=True)
        out.append(network.eval())
    return out
