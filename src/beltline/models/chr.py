"""CHR: class-balanced hierarchical refinement for multi-label X-ray classification with class maps.

Three (or more) stages of any timm feature backbone, fine to coarse. Each stage but the coarsest is refined by
the next coarser one, each has a linear classifier, and the loss of a negative at one stage counts only where
the coarser stages still found it hard. Because pooling and the linear head are linear, a stage's class
activation map is its head used as a 1x1 convolution: ``mean(map) + bias = logit``.

Source:
    Miao et al., SIXray: a large-scale security inspection X-ray benchmark (CVPR 2019), and its released code.
    Where the two disagree, both are offered; see `class_balanced_loss`.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from beltline.models.backbones import feature_backbone

Variant = Literal["plain", "H", "CH", "HR", "CHR"]
Wiring = Literal["released", "light"]
Pooling = Literal["avg", "lse", "topk"]
LossMode = Literal["all", "drop_easy", "paper_literal", "released_code"]
Normalise = Literal["all", "kept"]

RELEASED_LOGIT_THRESHOLD = -20.0
RARE_POSITION = -4.0  # first logit of a position where maps are pooled: most cells hold no object
LIGHT_WIDTH = 128
REFERENCE_CELLS = 1600.0  # positions of the finest stage (stride 8) in a 320 x 320 image


class ChrOutput(NamedTuple):
    """What `Chr` returns; stages run from fine to coarse."""

    logits: Tensor  # (B, S, K), one row a stage
    cams: tuple[Tensor, ...]  # S maps (B, K, h, w), bias not included


class Chr(nn.Module):
    """Hierarchical refinement over the last stages of a feature backbone.

    Args:
        backbone: Module that returns one feature map (B, C, h, w) a stage, fine to coarse.
        channels: Channels of each stage.
        num_classes: K.
        variant: ``plain`` one classifier on the coarsest stage; ``H`` a classifier a stage; ``HR`` with
            refinement. ``CH`` and ``CHR`` have the same layers as ``H`` and ``HR``: the C is in the loss.
        wiring: ``released`` as in the released code; its 1x1 convolutions keep the channels of the stages,
            which adds 3 % MACs to ResNet-34 but 45 % to ResNet-50. ``light`` (reconstructed, not in the
            paper) first narrows every stage to `LIGHT_WIDTH` channels, or those of the thinnest stage, and
            refines by addition and a depthwise-separable 3x3 convolution; it adds at most 7 % MACs to every
            backbone of the table. The class maps come from the narrow features.
        pooling: ``avg`` as in the paper. ``lse`` (log-sum-exp, which does not depend on how much air
            surrounds the bag) and ``topk`` (mean of the highest positions) suit objects that fill a small
            part of the bag; they pool the class map and add a learned scale and offset a class, so that the
            map can be supervised by masks. Not in the paper.
        topk_fraction: Share of positions that ``topk`` averages.
        lse_sharpness: ``lse`` approaches the maximum as this grows.

    Raises:
        ValueError: If ``variant``, ``wiring`` or ``pooling`` is none of its choices.

    Source:
        Released wiring, models.py of the released code: the coarsest stage feeds its raw features downwards,
        a finer stage its refined ones; all convolutions have a bias and no normalisation. Adaptive pooling
        replaces its fixed windows.
    """

    def __init__(
        self,
        backbone: nn.Module,
        channels: Sequence[int],
        num_classes: int,
        *,
        variant: Variant = "CHR",
        wiring: Wiring = "released",
        pooling: Pooling = "avg",
        topk_fraction: float = 0.01,
        lse_sharpness: float = 2.0,
    ) -> None:
        super().__init__()
        _check_choices(variant=(variant, Variant), wiring=(wiring, Wiring), pooling=(pooling, Pooling))
        self.backbone = backbone
        self.variant = variant
        self.wiring = wiring
        self.pooling = pooling
        self.topk_fraction = topk_fraction
        self.lse_sharpness = lse_sharpness
        used = list(channels)[-1:] if variant == "plain" else list(channels)
        self.stages = len(used)
        self.refines = variant in ("HR", "CHR")
        widths = used
        if wiring == "light" and variant != "plain":
            widths = [min(LIGHT_WIDTH, *used)] * len(used)
        self.lateral = nn.ModuleList(
            nn.Conv2d(c, width, 1) for c, width in zip(used, widths, strict=True) if variant != "plain"
        )
        join = _light_merge if wiring == "light" else _released_merge
        self.merge = nn.ModuleList(join(fine, coarse) for fine, coarse in pairwise(widths) if self.refines)
        self.heads = nn.ModuleList(nn.Linear(width, num_classes) for width in widths)
        if pooling != "avg":
            self.log_gain = nn.Parameter(torch.zeros(self.stages, num_classes))
            self.offset = nn.Parameter(torch.full((self.stages, num_classes), -RARE_POSITION))
            for head in self._linear_heads():
                nn.init.constant_(head.bias, RARE_POSITION)

    def features(self, image: Tensor) -> list[Tensor]:
        """Classified features of every stage, fine to coarse, each (B, C, h, w)."""
        raw: list[Tensor] = list(self.backbone(image))[-self.stages :]
        if self.variant == "plain":
            return raw
        own = [F.relu(conv(x)) for conv, x in zip(self.lateral, raw, strict=True)]
        if not self.refines:
            return own
        refined = [own[-1]]
        light = self.wiring == "light"
        carried = own[-1] if light else raw[-1]
        for stage in range(self.stages - 2, -1, -1):
            up = F.interpolate(carried, size=own[stage].shape[-2:], mode="bilinear", align_corners=False)
            joined = up + own[stage] if light else torch.cat([up, own[stage]], dim=1)
            carried = F.relu(self.merge[stage](joined))
            refined.insert(0, carried)
        return refined

    def forward(self, image: Tensor) -> ChrOutput:
        """Stage logits and class maps of a normalised image (B, 3, H, W)."""
        features = self.features(image)
        cams = tuple(
            F.conv2d(x, head.weight[:, :, None, None])
            for head, x in zip(self._linear_heads(), features, strict=True)
        )
        logits = [self._pool(stage, features[stage], cams[stage]) for stage in range(self.stages)]
        return ChrOutput(torch.stack(logits, dim=1), cams)

    def _pool(self, stage: int, feature: Tensor, cam: Tensor) -> Tensor:
        head = self._linear_heads()[stage]
        if self.pooling == "avg":
            pooled: Tensor = head(feature.mean((2, 3)))
            return pooled
        scores = cam.flatten(2).float()  # (B, K, h * w)
        if self.pooling == "lse":
            r = self.lse_sharpness
            # as many positions as the stage has in the reference image, whatever this image has: air around
            # a bag must not lower its logits
            reference = math.log(REFERENCE_CELLS / 4**stage)
            pooled = (torch.logsumexp(r * scores, dim=2) - reference) / r
        else:
            k = max(1, math.ceil(self.topk_fraction * scores.shape[2]))
            pooled = scores.topk(k, dim=2).values.mean(2)
        return (pooled + head.bias) * self.log_gain[stage].exp() + self.offset[stage]

    def cams_with_bias(self, output: ChrOutput) -> list[Tensor]:
        """Add each head's bias to the maps of ``output``: logits of the positions."""
        return [
            cam + head.bias[None, :, None, None]
            for cam, head in zip(output.cams, self._linear_heads(), strict=True)
        ]

    def _linear_heads(self) -> list[nn.Linear]:
        return [head for head in self.heads if isinstance(head, nn.Linear)]


def _released_merge(fine: int, coarse: int) -> nn.Module:
    return nn.Conv2d(coarse + fine, fine, 1)


def _light_merge(fine: int, coarse: int) -> nn.Module:
    # one width for all stages: fine == coarse; zeros around the map would draw its peaks into the corners
    blur = nn.Conv2d(coarse, coarse, 3, padding=1, padding_mode="replicate", groups=coarse)
    return nn.Sequential(blur, nn.Conv2d(coarse, fine, 1))


def _check_choices(**choices: tuple[str, Any]) -> None:
    for name, (value, allowed) in choices.items():
        if value not in get_args(allowed):
            raise ValueError(f"{name} must be one of {get_args(allowed)}, got {value!r}")


def mean_logits(output: ChrOutput) -> Tensor:
    """The image's logits (B, K): the mean over the stages, at training and at test alike."""
    return output.logits.mean(1)


def cascade_logits(logits: Tensor, *, epsilon: float = 0.05) -> Tensor:
    """The image's logits (B, K) when a finer stage is heard only where all coarser ones found it hard.

    With the class-balanced loss the finer stages never learn to reject what a coarser one rejects, so their
    answer there is arbitrary and the plain mean passes it on. This mean leaves it out, as training did.

    Args:
        logits: Stage logits (B, S, K), fine to coarse.
        epsilon: The threshold of the training, see `keep_negatives`.

    Source:
        Not in the paper, which takes the mean over all stages; reconstructed from its loss.
    """
    heard = torch.ones_like(logits, dtype=torch.bool)
    heard[:, :-1] = keep_negatives(logits, mode="drop_easy", epsilon=epsilon)[:, 1:]
    return (logits * heard).sum(1) / heard.sum(1)


def fuse_cams(cams: Sequence[Tensor]) -> Tensor:
    """Mean of the stage maps at the finest resolution, (B, K, h, w); ``cams`` run fine to coarse."""
    size = cams[0].shape[-2:]
    raised = [F.interpolate(cam, size=size, mode="bilinear", align_corners=False) for cam in cams[1:]]
    return torch.stack([cams[0], *raised]).mean(0)


def keep_negatives(logits: Tensor, *, mode: LossMode = "drop_easy", epsilon: float = 0.05) -> Tensor:
    """Which entries count as negatives at each stage, (B, S, K) bool, without gradient.

    Args:
        logits: Stage logits (B, S, K), fine to coarse.
        mode: ``drop_easy`` keeps p >= epsilon, ``paper_literal`` p < epsilon, both only where every coarser
            stage kept the entry; ``released_code`` keeps logit >= -20 at each stage on its own, which in
            effect drops nothing; ``all`` keeps everything.
        epsilon: Probability threshold. The paper gives no value. Keep it below the share of images that hold
            the class: with ``drop_easy`` a head whose answers have sunk below epsilon hears of no negative
            any more, so an epsilon above that share stops its learning there.

    Source:
        SIXray paper, section 4.3 (``paper_literal``), its abstract (``drop_easy``, reconstructed) and the
        released engine.py (``released_code``).
    """
    scores = logits.detach()
    if mode == "all":
        return torch.ones_like(scores, dtype=torch.bool)
    if mode == "released_code":
        return scores >= RELEASED_LOGIT_THRESHOLD
    if mode not in get_args(LossMode):
        raise ValueError(f"mode must be one of {get_args(LossMode)}, got {mode!r}")
    hard = scores.sigmoid() >= epsilon
    keep = hard if mode == "drop_easy" else ~hard
    # cumulative AND from the coarsest stage down
    return keep.flip(1).int().cumprod(1).flip(1).bool()


def class_balanced_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    mode: LossMode = "drop_easy",
    epsilon: float = 0.05,
    normalise: Normalise = "all",
    stage_reduction: Literal["mean", "sum"] = "mean",
) -> Tensor:
    """Binary cross-entropy over the stages, easy negatives left out stage by stage.

    A negative that is easy at a coarse stage is free at the finer ones: nothing keeps their logits down, and
    the mean over the stages can alarm on it. A small ``epsilon`` limits this; ``all`` avoids it.

    Args:
        logits: Stage logits (B, S, K), fine to coarse.
        targets: Image labels (B, K) in {0, 1}; NaN is not counted. Positives always count.
        mode: See `keep_negatives`. ``all`` is plain BCE (variants H and HR).
        epsilon: See `keep_negatives`.
        normalise: Divide by ``all`` labelled entries (zeros included) or by those ``kept``.
        stage_reduction: The paper takes the ``mean`` over the stages, the released code the ``sum``.

    Returns:
        Scalar loss.
    """
    known = ~targets.isnan()
    target = targets.nan_to_num()[:, None, :].expand_as(logits)
    keep = keep_negatives(logits, mode=mode, epsilon=epsilon) | (target > 0.5)
    weight = (keep & known[:, None, :]).to(logits.dtype)
    entry = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight
    count = known.sum() if normalise == "all" else weight.sum((0, 2))
    per_stage = entry.sum((0, 2)) / count.clamp(min=1)
    return per_stage.mean() if stage_reduction == "mean" else per_stage.sum()


def hierarchical_cross_entropy(
    logits: Tensor, target: Tensor, *, stage_reduction: Literal["mean", "sum"] = "mean"
) -> Tensor:
    """Cross-entropy of single labels at every stage; class-balanced weights are off, as the paper has it.

    Predict with `mean_logits`: the average over the stages.

    Args:
        logits: Stage logits (B, S, K), fine to coarse.
        target: Class indices (B,) in 0..K-1.
        stage_reduction: ``mean`` or ``sum`` of the stages' losses, each a mean over the batch.

    Returns:
        Scalar loss.

    Source:
        SIXray paper, experiment on ILSVRC-2012.
    """
    batch, stages, classes = logits.shape
    repeated = target[:, None].expand(batch, stages).reshape(-1)
    loss = F.cross_entropy(logits.reshape(-1, classes), repeated)
    return loss if stage_reduction == "mean" else loss * stages


def cam_mask_loss(cam_logits: Tensor, masks: Tensor, *, positive_share: float = 0.25) -> Tensor:
    """Supervise a class map by exact masks: balanced BCE plus Dice on the classes present.

    The simulator knows every pixel, so the map need not be learnt from image labels alone. Not in the paper,
    reconstructed. With ``avg`` pooling it pulls against the image loss; use ``lse`` or ``topk``.

    Args:
        cam_logits: Position logits (B, K, h, w), bias included.
        masks: Coverage in [0, 1], (B, K, H, W); averaged down to (h, w). NaN in a plane leaves it out.
        positive_share: Share of the BCE that falls to covered positions, whatever their number.

    Returns:
        Scalar loss.
    """
    if masks.shape[-2:] != cam_logits.shape[-2:]:
        masks = F.adaptive_avg_pool2d(masks, (cam_logits.shape[2], cam_logits.shape[3]))
    known = ~masks.flatten(2).isnan().any(2)  # (B, K)
    target = masks.nan_to_num()
    valid = known[:, :, None, None].to(cam_logits.dtype)
    bce = F.binary_cross_entropy_with_logits(cam_logits, target, reduction="none") * valid
    positive, negative = target * valid, (1 - target) * valid
    balanced = positive_share * (bce * positive).sum() / positive.sum().clamp(min=1.0)
    balanced = balanced + (1 - positive_share) * (bce * negative).sum() / negative.sum().clamp(min=1.0)
    probs = cam_logits.sigmoid()
    overlap = (probs * target).sum((2, 3))
    size = (probs.square() + target.square()).sum((2, 3))
    present = (target.flatten(2).amax(2) >= 0.1) & known
    dice = 1 - (2 * overlap + 1) / (size + 1)
    return balanced + (dice * present).sum() / present.sum().clamp(min=1)


def build_chr(
    backbone: str,
    num_classes: int,
    *,
    backbone_options: Mapping[str, Any] | None = None,
    stages: int = 3,
    pretrained: bool = False,
    variant: Variant = "CHR",
    wiring: Wiring = "released",
    pooling: Pooling = "avg",
) -> Chr:
    """CHR over the last ``stages`` feature stages of a backbone.

    Args:
        backbone: Name in `beltline.models.backbones.BACKBONES`, for example ``ResNet34`` or
            ``Inception-v3``, or a name in timm, for example ``resnet10t``.
        num_classes: K.
        backbone_options: Further arguments of ``timm.create_model``, for example ``{"channels": (...)}``.
        stages: L of the paper.
        pretrained: Fetch ImageNet weights through timm; the only way this function touches the network.
            From a file: `beltline.models.backbones.load_backbone_weights`.
        variant: See `Chr`.
        wiring: See `Chr`.
        pooling: See `Chr`.

    Raises:
        BadInputError: If there is no such backbone, or it has fewer stages.
    """
    body: Any = feature_backbone(backbone, stages=stages, pretrained=pretrained, options=backbone_options)
    channels = body.feature_info.channels()
    return Chr(body, channels, num_classes, variant=variant, wiring=wiring, pooling=pooling)
