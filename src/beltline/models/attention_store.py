"""What the words of a prompt look at: the cross-attention of a diffusion network, read while it samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from beltline.core import ShapeError

SIDE = 16
#: (noisy (B, 4, h, w), timesteps (B,), conditional) -> the network's output; see the sampler.
Denoise: TypeAlias = Callable[[Tensor, Tensor, bool], Tensor]


class AttentionStore:
    """Records cross-attention at one resolution, in the down and up blocks, while its context is open.

    Probabilities are averaged over heads, layers and steps. By default the conditional pass alone counts:
    the other one attends to the words of another prompt. Reading changes nothing: the outputs of the network
    are the same to the bit.

    With ``released`` the store does what the released code does: it takes the first half of each layer's
    heads for an unconditional half batch and drops it, but the sampler runs the two passes one after the
    other; what remains is the second half of the heads, of both passes, so that the maps of the negative
    prompt are mixed in.

    Args:
        unet: ``UNet2DConditionModel`` of diffusers, with cross-attention at ``side``.
        side: Rows and columns of the maps; 16 as published.
        released: See above.

    Raises:
        ValueError: If the network has no cross-attention in its down and up blocks.

    Source:
        CAR of Xsyn, whose attention utility follows prompt-to-prompt (Hertz et al., arXiv 2208.01626);
        ``released``: released code.

    Example:
        ::

            with AttentionStore(unet) as store:
                latents = inpaint(store.watching(denoise), scheduler, known, mask, generator=generator)
            maps = store.maps(prompt.tokens)  # (B, instances, 16, 16)
    """

    def __init__(self, unet: nn.Module, *, side: int = SIDE, released: bool = False):
        self.side = side
        self.released = released
        self._layers = _cross_attention(unet)
        if not self._layers:
            raise ValueError(
                "the network has no cross-attention (attn2) in its down and up blocks;"
                " take CrossAttnDownBlock2D and CrossAttnUpBlock2D at the level that is to be read"
            )
        self._replaced: list[Any] = []
        self._conditional = True
        self._sum: Tensor | None = None  # (B, side * side, tokens) float32
        self._count = 0

    def __enter__(self) -> AttentionStore:
        # Layer by layer: set_attn_processor of the whole network empties the mapping that it is given, and
        # would touch the self-attention too.
        self._replaced = [layer.processor for layer in self._layers]
        for layer in self._layers:
            layer.set_processor(_Recorder(layer.processor, self._record))
        return self

    def __exit__(self, *error: object) -> None:
        for layer, processor in zip(self._layers, self._replaced, strict=True):
            layer.set_processor(processor)
        self._replaced = []

    def watching(self, denoise: Denoise) -> Denoise:
        """The same network, its two passes told apart for the store; other calls count as conditional."""

        def watched(noisy: Tensor, timesteps: Tensor, conditional: bool) -> Tensor:
            self._conditional = conditional
            try:
                return denoise(noisy, timesteps, conditional)
            finally:
                self._conditional = True

        return watched

    def threat(self, token: int, count: int) -> Tensor:
        """The map of one token, (B, side, side); 0 where a strength of next to nothing left no step to watch.

        Args:
            token: Its position in the prompt.
            count: B, where nothing was recorded.
        """
        if self._sum is None:
            return torch.zeros(count, self.side, self.side)
        return self.maps([[token]])[:, 0]

    def maps(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """The map of each grounded instance, the mean over its tokens.

        Args:
            tokens: Of each instance the positions of its own tokens in the prompt. Two instances of one
                class have each their own.

        Returns:
            Mean probabilities, shape (B, instances, side, side), float32: what an instance gets of the
            attention of a place, in [0, 1].

        Raises:
            ValueError: If nothing was recorded, or an instance has no token or one outside the prompt.
        """
        if self._sum is None:
            raise ValueError(
                f"no cross-attention of {self.side}x{self.side} was recorded; sample inside the store's"
                " context, with a network that attends to the prompt at that resolution"
            )
        mean = self._sum / self._count
        for positions in tokens:
            if not positions or min(positions) < 0 or max(positions) >= mean.shape[2]:
                raise ValueError(
                    f"an instance needs token positions in [0, {mean.shape[2]}), got {tuple(positions)}"
                )
        columns = [mean[:, :, list(positions)].mean(2) for positions in tokens]
        shape = (len(mean), len(tokens), self.side, self.side)
        return torch.stack(columns, 1).reshape(shape) if columns else mean.new_zeros(shape)

    def _record(self, layer: Any, queries: Tensor, context: Tensor, mask: Tensor | None) -> None:
        if queries.shape[1] != self.side**2 or not (self._conditional or self.released):
            return
        probs = _probabilities(layer, queries, context, mask)  # (B, heads, side * side, tokens)
        if self.released:
            probs = probs[:, probs.shape[1] // 2 :]
        mean = probs.mean(1).float().cpu()
        if self._sum is not None and self._sum.shape != mean.shape:
            raise ShapeError(
                f"one store is for one batch and prompt length, {tuple(self._sum.shape)} (B, places, tokens),"
                f" got {tuple(mean.shape)}; open another one"
            )
        self._sum = mean if self._sum is None else self._sum + mean
        self._count += 1


class _Recorder:
    """An attention processor that shows what it is given to a store, and leaves the work to another one."""

    def __init__(self, processor: Any, record: Callable[[Any, Tensor, Tensor, Tensor | None], None]):
        self.processor = processor
        self.record = record

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **others: Any,
    ) -> Tensor:
        assert encoder_hidden_states is not None  # cross-attention
        self.record(attn, hidden_states, encoder_hidden_states, attention_mask)
        output: Tensor = self.processor(
            attn, hidden_states, encoder_hidden_states, attention_mask=attention_mask, **others
        )
        return output


def _cross_attention(unet: nn.Module) -> list[Any]:
    return [
        module
        for name, module in unet.named_modules()
        if name.endswith(".attn2") and name.startswith(("down_blocks.", "up_blocks."))
    ]


@torch.no_grad()
def _probabilities(attn: Any, hidden: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
    """Softmax of the scores, shape (B, heads, places, tokens): fused attention (SDPA) does not give them."""
    if attn.norm_cross:
        context = attn.norm_encoder_hidden_states(context)
    mask = attn.prepare_attention_mask(mask, context.shape[1], len(hidden))
    query, key = (attn.head_to_batch_dim(i) for i in (attn.to_q(hidden), attn.to_k(context)))
    probs: Tensor = attn.get_attention_scores(query, key, mask)
    return probs.reshape(len(hidden), -1, *probs.shape[1:])
