"""One cell of the experiment: train, score the test set, keep the scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beltline.formats import write_json
from beltline.metrics import peaks_over_stages
from beltline.models.backbones import load_backbone_weights
from beltline.models.chr import ChrOutput, build_chr, class_balanced_loss
from beltline.models.multilabel_losses import asymmetric_loss, focal_loss
from beltline.models.query_head import build_query_classifier
from beltline.protocols.cells import RESULT, build_fabric, read_result, save_arrays, short_run
from beltline.protocols.sixray.parts import SubsetData
from beltline.protocols.sixray.plan import METHODS, Cell, Method, Net, SixrayScale, epsilon_of
from beltline.training.loop import FitOptions, Loss, fit
from beltline.training.schedule import constant, cosine
from beltline.training.weight_decay import decay_groups

SCORES = "scores.npz"
Start = Path | Literal["imagenet", "random"]


def run_cell(cell: Cell, part: SubsetData, scale: SixrayScale, out: Path, *, start: Start = "random") -> None:
    """Train and score one cell.

    Writes ``result.json`` (what was done) and ``scores.npz``: ``logits`` and ``points``, see `score`.

    Args:
        cell: What to train.
        part: Its subset.
        scale: How much.
        out: Folder of the cell.
        start: File of backbone weights, ``imagenet`` for those that timm fetches, or ``random``.
    """
    method = METHODS[cell.method]
    pretrained = start == "imagenet"
    model = build_model(scale.nets[cell.net], method, len(part.classes), cell.seed, pretrained=pretrained)
    if isinstance(start, Path):
        load_backbone_weights(model, start)
    began = time.monotonic()
    steps = max(1, round(part.seen / (scale.batch_size * scale.accumulate)))
    fabric = build_fabric()
    result = fit(
        model,
        part.batches(method.sampling, cell.seed),
        build_loss(method, part.normalise, epsilon=epsilon_of(method, scale)),
        build_optimizer(scale, model),
        steps=steps,
        options=fit_options(scale),
        fabric=fabric,
    )
    trained = time.monotonic() - began
    logits, points = score(result.model, part, batch_size=2 * scale.batch_size)
    out.mkdir(parents=True, exist_ok=True)
    save_arrays(out / SCORES, logits=logits, points=points)
    write_json(
        out / RESULT,
        {
            "cell": asdict(cell),
            "ratio": part.ratio,
            "train_images": len(part.train_labels),
            "steps": steps,
            "loss": result.values.get("loss"),
            "train_seconds": round(trained, 1),
            "score_seconds": round(time.monotonic() - began - trained, 1),
            "device": str(fabric.device),
        },
    )


def build_model(net: Net, method: Method, classes: int, seed: int, *, pretrained: bool = False) -> nn.Module:
    """The method's network; its backbone with random or ImageNet weights, the rest random."""
    torch.manual_seed(seed)
    options = dict(net.options)
    if method.head == "query":
        return build_query_classifier(net.backbone, classes, backbone_options=options, pretrained=pretrained)
    return build_chr(
        net.backbone,
        classes,
        backbone_options=options,
        pretrained=pretrained,
        variant=method.variant,
        wiring=method.wiring,
    )


def build_loss(method: Method, normalise: Callable[[Tensor], Tensor], *, epsilon: float) -> Loss:
    """The method's loss over all stages."""
    mode = method.loss_mode if method.variant in ("CH", "CHR") else "all"

    def loss(model: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        output: ChrOutput = model(normalise(batch.image))
        logits = output.logits.float()
        if method.loss == "asymmetric":
            return {"loss": asymmetric_loss(logits, batch.labels)}
        if method.loss == "focal":
            return {"loss": focal_loss(logits, batch.labels)}
        return {"loss": class_balanced_loss(logits, batch.labels, mode=mode, epsilon=epsilon)}

    return loss


def build_optimizer(scale: SixrayScale, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW, or SGD as published (one parameter group)."""
    if scale.optimizer == "sgd":
        parameters = [p for p in model.parameters() if p.requires_grad]
        return torch.optim.SGD(parameters, lr=scale.lr, momentum=0.9, weight_decay=scale.weight_decay)
    return torch.optim.AdamW(decay_groups(model.parameters(), scale.weight_decay), lr=scale.lr)


def fit_options(scale: SixrayScale) -> FitOptions:
    """The schedule of the scale, in a short training."""
    return short_run(
        schedule=cosine(warmup=0.05) if scale.decays else constant(),
        accumulate=scale.accumulate,
        ema_decay=0.99 if scale.decays else None,
    )


@torch.no_grad()
def score(
    model: nn.Module, part: SubsetData, *, batch_size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Answers on the test images in float32: bfloat16 has 8 bits, in which the scores of thousands tie.

    Returns:
        Stage logits (M, S, K), and (P, 4) image, class, x, y: the pixel that each present class points at,
        one row each, or one for each of equal peaks.
    """
    model.eval()
    device = next(model.parameters()).device
    points: list[tuple[float, ...]] = []
    logits: list[NDArray[np.float32]] = []
    for rows, image in part.whole(batch_size):
        output: ChrOutput = model(part.normalise(image.to(device)))
        logits.append(output.logits.cpu().numpy())
        maps = [cam.cpu().numpy() for cam in output.cams]
        for inner, row in enumerate(rows):
            for k in np.flatnonzero(part.test_labels[row] == 1):
                peaks = peaks_over_stages([cam[inner, k] for cam in maps], part.test_size)
                points += [(float(row), float(k), x, y) for x, y in peaks]
    return np.concatenate(logits), np.array(points, np.float32).reshape(-1, 4)


def read_cell(out: Path) -> tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]:
    """What `run_cell` wrote: result, logits, points."""
    result, arrays = read_result(out, SCORES)
    return result, arrays["logits"], arrays["points"]
