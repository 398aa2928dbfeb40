"""The loss of the click segmenters."""

from torch import Tensor
from torch.nn import functional as F

BCE_SHARE = 0.2
POSITIVE_WEIGHT = 2.0
SMOOTH = 1e-5


def dice_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """``1 - (2 sum(p t) + s) / (sum(p^2) + sum(t^2) + s)``, sums over the whole batch, s = 1e-5.

    Args:
        logits: Any shape.
        masks: The same shape, 0 to 1.

    Source:
        Milletari et al., V-Net (2016), squared denominators; over the batch as APSAM's released sam_loss.py.
    """
    probs = logits.sigmoid()
    overlap = (probs * masks).sum()
    total = probs.square().sum() + masks.square().sum()
    return 1 - (2 * overlap + SMOOTH) / (total + SMOOTH)


def click_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """0.2 cross-entropy, its positives weighing twice, and 0.8 Dice over the batch.

    Args:
        logits: (B, 1, h, w).
        masks: (B, 1, H, W) in {0, 1}; taken to the size of the logits by the nearest pixel.

    Returns:
        Scalar.

    Source:
        APSAM's released sam_loss.py; the paper says Dice and cross-entropy without weights.
    """
    logits = logits.float()
    masks = F.interpolate(masks.float(), logits.shape[2:], mode="nearest")
    weight = logits.new_tensor(POSITIVE_WEIGHT)
    entropy = F.binary_cross_entropy_with_logits(logits, masks, pos_weight=weight)
    return BCE_SHARE * entropy + (1 - BCE_SHARE) * dice_loss(logits, masks)
