"""Stand-ins for torchvision's compiled operators beside a CPU-only torch.

The torchvision wheels of the package index are linked to CUDA. Beside a CPU-only torch their library does
not load, ``import torchvision`` fails with "operator torchvision::nms does not exist", and timm fails with
it. `ensure_torchvision_ops` registers the two operators that detection models need (non-maximum suppression
and RoIAlign) and does nothing where the real ones load. Call it before torchvision or timm is imported.
"""

import importlib.util
import sys
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",  # named at import, not implemented
    "roi_align(Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width,"
    " int sampling_ratio, bool aligned) -> Tensor",
)
_libraries: list[torch.library.Library] = []  # a registration lives as long as its Library object


def ensure_torchvision_ops() -> str:
    """Make ``import torchvision`` work, whatever torch it stands beside.

    Returns:
        ``"native"`` where torchvision's own operators load, ``"registered"`` where the stand-ins of this
        module serve, ``"absent"`` where torchvision is not installed.
    """
    if _libraries:
        return "registered"
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return "absent"
    if _native_operators_load(Path(spec.origin).parent):
        return "native"
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in _SCHEMAS:
        library.define(schema)
    library.impl("nms", nms, "CompositeExplicitAutograd")
    library.impl("roi_align", roi_align, "CompositeImplicitAutograd")
    _libraries.append(library)
    _let_torchvision_use_them()
    return "registered"


def _native_operators_load(package: Path) -> bool:
    for path in (*package.glob("_C*.so"), *package.glob("_C*.pyd"), *package.glob("_C*.dylib")):
        try:
            torch.ops.load_library(str(path))
        except (ImportError, OSError, RuntimeError):
            continue
        return True
    return False


def _let_torchvision_use_them() -> None:
    # Only the two modules whose operators exist now; deform_conv2d and the others keep their clear error.
    import torchvision.ops  # noqa: F401

    for name in ("torchvision.ops.boxes", "torchvision.ops.roi_align"):
        module = sys.modules[name]
        for guard in ("_assert_has_ops", "_has_ops"):
            if hasattr(module, guard):
                setattr(module, guard, lambda: True)


def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        dets: Boxes, shape (N, 4), xyxy.
        scores: Scores, shape (N,).
        iou_threshold: A box is dropped when its IoU with a better kept one exceeds this.

    Returns:
        Indices of the kept boxes, shape (M,), int64, best score first; ties keep their order.

    Source:
        Definition of ``torchvision.ops.nms``.
    """
    order = scores.argsort(descending=True, stable=True)
    boxes = dets.detach()[order].float()
    x1, y1, x2, y2 = boxes.unbind(1)
    area = (x2 - x1) * (y2 - y1)
    alive = torch.ones(len(boxes), dtype=torch.bool, device=boxes.device)
    for i in range(len(boxes)):
        if not alive[i]:
            continue
        width = (torch.minimum(x2[i], x2[i + 1 :]) - torch.maximum(x1[i], x1[i + 1 :])).clamp(min=0)
        height = (torch.minimum(y2[i], y2[i + 1 :]) - torch.maximum(y1[i], y1[i + 1 :])).clamp(min=0)
        overlap = width * height
        iou = overlap / (area[i] + area[i + 1 :] - overlap)
        alive[i + 1 :] &= ~(iou > iou_threshold)
    return order[alive]


def roi_align(
    input: Tensor,
    rois: Tensor,
    spatial_scale: float,
    pooled_height: int,
    pooled_width: int,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """RoIAlign by ``grid_sample``: differentiable in ``input``, exact to rounding.

    Args:
        input: Features, shape (B, C, H, W).
        rois: Rows (image index, x1, y1, x2, y2), shape (K, 5).
        spatial_scale: Feature pixels per box unit.
        pooled_height: Rows of the output.
        pooled_width: Columns of the output.
        sampling_ratio: Samples per bin and axis; <= 0 means ``ceil(roi size / output size)``.
        aligned: Shift boxes by -0.5 feature pixel (Detectron2) and allow boxes under one pixel.

    Returns:
        Pooled features, shape (K, C, pooled_height, pooled_width).

    Source:
        He et al., Mask R-CNN; boundary rules of ``torchvision.ops.roi_align`` (samples further than one
        pixel outside count as zero, nearer ones take the border's value; without a fixed number of samples
        an empty box gives zero).
    """
    out = input.new_zeros(len(rois), input.shape[1], pooled_height, pooled_width)
    if len(rois) == 0:
        return out
    boxes = rois[:, 1:].float() * spatial_scale - (0.5 if aligned else 0.0)
    start, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
    if not aligned:
        size = size.clamp(min=1.0)
    bins = size / size.new_tensor([pooled_width, pooled_height])
    samples = torch.full_like(bins, sampling_ratio) if sampling_ratio > 0 else bins.ceil().clamp(min=1)
    keys = torch.cat([rois[:, :1].float(), samples], dim=1)
    groups, member = keys.unique(dim=0, return_inverse=True)  # one grid_sample per image and sample count
    for index, (batch, per_x, per_y) in enumerate(groups.long().tolist()):
        rows = (member == index).nonzero()[:, 0]
        x = _sample_positions(start[rows, 0], bins[rows, 0], pooled_width, per_x)
        y = _sample_positions(start[rows, 1], bins[rows, 1], pooled_height, per_y)
        values = _bilinear(input[batch], x, y)  # (C, n, ph * per_y, pw * per_x)
        shape = (input.shape[1], len(rows), pooled_height, per_y, pooled_width, per_x)
        pooled = values.reshape(shape).mean((3, 5)).transpose(0, 1)
        out = out.index_copy(0, rows, pooled.to(out.dtype))
    if sampling_ratio <= 0:  # ceil(size / output size) samples: none in an empty box
        out = out.masked_fill((bins <= 0).any(1)[:, None, None, None], 0)
    return out


def _sample_positions(start: Tensor, bin_size: Tensor, bins: int, per_bin: int) -> Tensor:
    steps = (torch.arange(bins * per_bin, device=start.device) + 0.5) / per_bin
    return start[:, None] + steps * bin_size[:, None]  # (n, bins * per_bin)


def _bilinear(feature: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = feature.shape[-2:]
    inside = ((y >= -1) & (y <= height))[:, :, None] & ((x >= -1) & (x <= width))[:, None, :]
    grid_x = (2 * x + 1) / width - 1
    grid_y = (2 * y + 1) / height - 1
    n, rows, columns = inside.shape
    grid = torch.stack(
        [grid_x[:, None, :].expand(n, rows, columns), grid_y[:, :, None].expand(n, rows, columns)], dim=-1
    )
    sampled = grid_sample(
        feature[None].float(),
        grid.reshape(1, n * rows, columns, 2),
        mode="bilinear",
        padding_mode="border",
        align_corners=False,
    )
    return sampled.reshape(-1, n, rows, columns) * inside
