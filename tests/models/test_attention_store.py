import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from torch.testing import assert_close

from beltline.core import ShapeError
from beltline.models.attention_store import AttentionStore

TOKENS = 7
HEADS = 8


@pytest.fixture(scope="module")
def unet():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return UNet2DConditionModel(
            sample_size=32,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            attention_head_dim=HEADS,
            cross_attention_dim=24,
            norm_num_groups=8,
        ).eval()


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def denoise(unet):
    """Unconditionally, the network is told something else."""
    words, nothing = 3 * drawn(2, TOKENS, 24, seed=1), 3 * drawn(2, TOKENS, 24, seed=2)

    @torch.no_grad()
    def denoise(noisy, timesteps, conditional):
        return unet(noisy, timesteps, encoder_hidden_states=words if conditional else nothing).sample

    return denoise


NOISY, TIMES = drawn(2, 4, 32, 32), torch.tensor([400, 100])
EACH = [(place,) for place in range(TOKENS)]


def recorded(unet, denoise, *passes, **options):
    with AttentionStore(unet, **options) as store:
        watched = store.watching(denoise)
        for conditional in passes:
            watched(NOISY, TIMES, conditional)
    return store.maps(EACH)


def reference(unet, denoise, conditional, monkeypatch):
    """Of each layer, what diffusers' plain attention scores: (layers, B, heads, places, tokens)."""
    found = []
    with monkeypatch.context() as patch:
        for name, module in unet.named_modules():
            if not name.endswith("attn2"):
                continue
            patch.setattr(module, "processor", AttnProcessor())
            score = module.get_attention_scores

            def spied(*args, score=score, name=name):
                probs = score(*args)
                if not name.startswith("mid_block"):
                    found.append(probs.unflatten(0, (2, HEADS)))
                return probs

            patch.setattr(module, "get_attention_scores", spied)
        denoise(NOISY, TIMES, conditional)
    return torch.stack(found)


def test_attention_sums_to_one_over_the_tokens(unet, denoise):
    maps = recorded(unet, denoise, True)
    assert maps.shape == (2, TOKENS, 16, 16)
    assert maps.dtype == torch.float32
    assert_close(maps.sum(1), torch.ones(2, 16, 16))
    assert maps.min() >= 0


def test_maps_are_the_mean_of_down_and_up_layers_and_heads(unet, denoise, monkeypatch):
    layers = reference(unet, denoise, True, monkeypatch)
    assert len(layers) == 3  # one down, two up; the middle is at 16x16 too, and does not count
    expected = layers.mean((0, 2)).transpose(1, 2).reshape(2, TOKENS, 16, 16)
    assert_close(recorded(unet, denoise, True), expected)


def test_steps_are_averaged(unet, denoise):
    with AttentionStore(unet) as store:
        denoise(NOISY, TIMES, True)
        denoise(-NOISY, TIMES + 9, True)
    with AttentionStore(unet) as other:
        denoise(-NOISY, TIMES + 9, True)
    assert_close(store.maps(EACH), (recorded(unet, denoise, True) + other.maps(EACH)) / 2)


def test_the_unconditional_pass_does_not_count(unet, denoise):
    assert torch.equal(recorded(unet, denoise, True), recorded(unet, denoise, False, True))


def test_released_mixes_both_passes_and_drops_half_the_heads(unet, denoise, monkeypatch):
    both = torch.stack([reference(unet, denoise, yes, monkeypatch) for yes in (False, True)])
    kept = both[:, :, :, HEADS // 2 :].mean((0, 1, 3))
    maps = recorded(unet, denoise, False, True, released=True)
    assert_close(maps, kept.transpose(1, 2).reshape(2, TOKENS, 16, 16))
    assert not torch.allclose(maps, recorded(unet, denoise, False, True), rtol=1e-2)


def test_sub_tokens_are_averaged_by_instance(unet, denoise):
    with AttentionStore(unet) as store:
        denoise(NOISY, TIMES, True)
    each = store.maps(EACH)
    pair, alone = store.maps([(1, 2), (5,)]).unbind(1)
    assert_close(pair, (each[:, 1] + each[:, 2]) / 2)
    assert torch.equal(alone, each[:, 5])
    assert store.maps([]).shape == (2, 0, 16, 16)


def test_reading_leaves_the_network_as_it_is(unet, denoise):
    before, processors = denoise(NOISY, TIMES, True), dict(unet.attn_processors)
    with AttentionStore(unet):
        assert unet.attn_processors != processors
        assert torch.equal(denoise(NOISY, TIMES, True), before)
    assert unet.attn_processors == processors
    with pytest.raises(RuntimeError, match="stop"), AttentionStore(unet):
        raise RuntimeError("stop")
    assert unet.attn_processors == processors
    assert all(isinstance(processor, AttnProcessor2_0) for processor in processors.values())


def test_what_cannot_be_read_is_said(unet, denoise):
    with AttentionStore(unet, side=8) as store:
        denoise(NOISY, TIMES, True)
    with pytest.raises(ValueError, match="no cross-attention of 8x8 was recorded"):
        store.maps(EACH)
    with AttentionStore(unet) as store:
        denoise(NOISY, TIMES, True)
        with pytest.raises(ShapeError, match="open another one"):
            unet(NOISY[:1], TIMES[:1], encoder_hidden_states=drawn(1, TOKENS, 24))
    for tokens in ((), (TOKENS,), (-1,)):
        with pytest.raises(ValueError, match=r"token positions in \[0, 7\)"):
            store.maps([tokens])
    with pytest.raises(ValueError, match="has no cross-attention"):
        AttentionStore(torch.nn.Linear(1, 1))
