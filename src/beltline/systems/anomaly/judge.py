"""What a model says of the parts of devices: one logit a part, whatever the model looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from beltline.formats.device_shards import DeviceShards
from beltline.models.dense_anomaly import DenseAnomaly
from beltline.models.draem import Draem
from beltline.screening.device_map import part_logits, place_logits
from beltline.systems.anomaly.data import AnomalyBatches
from beltline.systems.anomaly.recipe import AnomalyRecipe

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
AT_ONCE = 32  # pictures


@dataclass(frozen=True, eq=False)
class Judged:
    """What a model says of devices.

    Attributes:
        devices: (D,) rows of the shards.
        logits: (P,) of all parts, or one a device where the model sees devices whole.
        areas: (P,) pixels.
        device: (P,) index into ``devices``.
        labels: (P,) of parts: 1, 0, or -1 for neither.
        truth: (D,) 1 where something is concealed, else 0.
        pair: (D,) the same for a device and its twin.
    """

    devices: Rows
    logits: Floats
    areas: Floats
    device: Rows
    labels: Rows
    truth: Rows
    pair: Rows


def judge(
    recipe: AnomalyRecipe, model: nn.Module, shards: DeviceShards, devices: Sequence[int] | Rows
) -> Judged:
    """Ask a model about devices.

    Args:
        recipe: What it was trained by.
        model: In eval mode.
        shards: Devices.
        devices: Their rows, at least one.
    """
    rows = np.asarray(devices, np.int64)
    truth, pair = (shards.devices[name][rows].astype(np.int64) for name in ("positive", "pair"))
    if recipe.level == "object":
        areas = np.array([float(shards.device(int(row)).mask.sum()) for row in rows])
        return Judged(
            rows, _seen(recipe, model, shards, rows), areas, np.arange(len(rows)), truth, truth, pair
        )
    counts = shards.devices["parts"][rows]
    parts = np.concatenate([np.arange(len(shards.parts))[shards.rows(int(row))] for row in rows])
    if recipe.level == "part":
        logits = _seen(recipe, model, shards, parts)
    else:
        run = run_of(model)
        cut = (shards.device(int(row)) for row in rows)
        logits = np.concatenate([part_logits(one, place_logits(run, one, recipe.shape)) for one in cut])
    table, device = shards.parts[parts], np.repeat(np.arange(len(rows)), counts)
    areas, labels = table["area_px"].astype(np.float64), table["label"].astype(np.int64)
    return Judged(rows, logits, areas, device, labels, truth, pair)


def run_of(model: nn.Module) -> Any:
    """A network that sees every place, in torch, as `place_logits` calls it."""
    device = next(model.parameters()).device

    def run(inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        with torch.inference_mode():
            image = torch.from_numpy(inputs["image"]).to(device)
            # of what draws the benign device: it finds none, and sees everywhere what is hidden
            logits = model(image)[1].repeat(1, 2, 1, 1) if isinstance(model, Draem) else model(image)
        return {"logits": logits.cpu().numpy()}

    return run


def _seen(recipe: AnomalyRecipe, model: nn.Module, shards: DeviceShards, rows: Rows) -> Floats:
    """Logits of single pictures, computed as in training: they are many, and in no export."""
    pictures, found = AnomalyBatches(shards, recipe), []
    device = next(model.parameters()).device
    coarse = torch.autocast(device.type, torch.bfloat16, enabled=recipe.training.precision.startswith("bf16"))
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert not isinstance(model, DenseAnomaly)
    for first in range(0, len(rows), AT_ONCE):
        some = np.stack([pictures.picture(None, int(row)) for row in rows[first : first + AT_ONCE]])
        images = torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255
        with torch.inference_mode(), coarse:
            logits = model(images.to(device)).float()
        found.append((logits[:, 1] - logits[:, 0]).double().cpu().numpy())
    return np.concatenate(found)
