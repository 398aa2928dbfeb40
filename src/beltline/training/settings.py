"""How a recipe is trained: what every system's recipe says about steps, rate, precision and start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from torch import nn

from beltline.training.loop import FitOptions
from beltline.training.schedule import constant, cosine
from beltline.training.weight_decay import decay_groups


@dataclass(frozen=True)
class TrainingSettings:
    """The part of a recipe that is the same for every system.

    On disk and in ``--set`` its fields stand beside the recipe's own: ``lr``, not ``training.lr``.

    Attributes:
        batch_size: Samples a batch.
        accumulate: Batches a step.
        optimizer: ``adamw``, ``adam`` or ``sgd``.
        lr: Peak learning rate.
        weight_decay: Not applied to biases and normalisation; Adam knows none.
        schedule: ``cosine`` to 0, or ``constant``.
        warmup: Share of the run.
        steps: Upper bound of optimizer steps.
        max_minutes: Planned length; the schedule anneals to 0 by then.
        ema_decay: Averaged weights; 0 for none.
        precision: Fabric's name, for example bf16-mixed or 32-true.
        seed: Of weights, order and augmentation.
        workers: Threads that prepare batches.
        processes: Processes that prepare batches, each with its own ``workers``, for GPUs; 0 for none beside
            this one. The batches are the same.
        init: Folder of an earlier run, or name of a shipped model, whose weights this one starts from; empty
            for random weights.
        frozen_stages: How many of the backbone's first stages keep the weights they start from, see
            `beltline.training.freezing`.
        frozen_norm: Whether the backbone's batch normalisation keeps its statistics, gains and offsets.
        backbone_rate: Learning rate of the backbone, as a share of ``lr``.
    """

    batch_size: int = 16
    accumulate: int = 1
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    lr: float = 2e-3
    weight_decay: float = 0.02
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: float = 0.03
    steps: int = 20_000
    max_minutes: float | None = None
    ema_decay: float = 0.998
    precision: Literal["bf16-mixed", "bf16-true", "16-mixed", "32-true", "64-true"] = "bf16-mixed"
    seed: int = 0
    workers: int = 1
    processes: int = 0
    init: str = ""
    frozen_stages: int = 0
    frozen_norm: bool = False
    backbone_rate: float = 1.0


def build_optimizer(
    settings: TrainingSettings, model: nn.Module, backbone: nn.Module | None = None
) -> torch.optim.Optimizer:
    """AdamW or SGD, where weights of two and more dimensions decay, or plain Adam.

    Args:
        settings: Kind and rates.
        model: What has a gradient is trained.
        backbone: Part of it that learns at ``backbone_rate``.
    """
    if settings.optimizer == "adam":
        return torch.optim.Adam(rate_groups(model, settings, backbone), lr=settings.lr)
    groups = [
        {**group, **decay}
        for group in rate_groups(model, settings, backbone)
        for decay in decay_groups(group["params"], settings.weight_decay)
    ]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=settings.lr, betas=(0.9, 0.99), foreach=True)


def rate_groups(
    model: nn.Module, settings: TrainingSettings, backbone: nn.Module | None = None
) -> list[dict[str, Any]]:
    """What is trained, the backbone behind the rest and with its own rate where it has one."""
    inside = {id(p) for p in backbone.parameters()} if backbone and settings.backbone_rate != 1 else set()
    trained = [p for p in model.parameters() if p.requires_grad]
    rest, own = [p for p in trained if id(p) not in inside], [p for p in trained if id(p) in inside]
    slow = {"params": own, "lr": settings.lr * settings.backbone_rate}
    return [{"params": rest, "lr": settings.lr}, *([slow] if own else [])]


def fit_options(settings: TrainingSettings, **changes: Any) -> FitOptions:
    """Options of the loop; ``changes`` are further fields of `FitOptions`."""
    return FitOptions(
        max_minutes=settings.max_minutes,
        schedule=cosine(warmup=settings.warmup) if settings.schedule == "cosine" else constant(),
        accumulate=settings.accumulate,
        ema_decay=settings.ema_decay or None,
        **changes,
    )


def build_fabric(settings: TrainingSettings) -> Fabric:
    """One device: a GPU where there is one, else the CPU, at the wanted precision."""
    return Fabric(accelerator="auto", devices=1, precision=settings.precision)
