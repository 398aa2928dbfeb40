import numpy as np
import PIL.Image
import pytest
import torch
from torch.testing import assert_close

from beltline.core import BadInputError, ShapeError
from beltline.models.attention_store import AttentionStore
from beltline.models.gligen import Gligen, box_mask, decode, encode, freeze_base, gligen_denoise
from beltline.models.gligen_prompt import grounded_prompt
from beltline.models.gligen_tiny import gligen_tiny
from beltline.synthesis.diffusion.sampling import SamplerSettings, inpaint, update_rule

CATEGORIES = ("Gun", "Pliers", "Gun")
BOXES = torch.tensor([[0.0, 0.25, 0.25, 0.5], [0.5, 0.125, 0.75, 0.5], [0.5, 0.75, 1.0, 1.0]])


@pytest.fixture(scope="module")
def model():
    return gligen_tiny()


@pytest.fixture(scope="module")
def prompt(model):
    return grounded_prompt(model.tokenizer, CATEGORIES)


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def image(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the pipeline asks its VAE in a deprecated way
@pytest.mark.parametrize(("method", "guidance"), [("ddim", 7.5), ("ddim", 1.0), ("plms", 7.5)])
def test_the_sampler_equals_the_pipeline_of_diffusers(
    model, prompt, picture, image, method, guidance, monkeypatch
):
    from diffusers import StableDiffusionGLIGENPipeline  # needs the operators that beltline.models registers

    scheduler = update_rule(model.scheduler, method)
    pipeline = StableDiffusionGLIGENPipeline(
        model.vae, model.text_encoder, model.tokenizer, model.unet, scheduler, None, None,
        requires_safety_checker=False,
    )  # fmt: skip
    # by the order of the axes, not of the memory, which differs from machine to machine
    monkeypatch.setattr(torch, "randn_like", lambda like: torch.randn(like.shape))
    pipeline.set_progress_bar_config(disable=True)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        known = model.vae.encode(image).latent_dist.sample() * model.vae.config.scaling_factor
        generator = torch.Generator()
        generator.set_state(torch.get_rng_state())  # the pipeline draws its noise globally, in the same order
        torch.manual_seed(3)
        expected = pipeline(
            prompt.caption,
            num_inference_steps=8,
            guidance_scale=guidance,
            gligen_scheduled_sampling_beta=1.0,  # gates open at all steps, as Xsyn has it
            gligen_phrases=list(prompt.phrases),
            gligen_boxes=BOXES.tolist(),
            gligen_inpaint_image=PIL.Image.fromarray(picture),
            negative_prompt="blurred",
            generator=torch.Generator().manual_seed(9),  # its nine channels of noise, which it throws away
            output_type="latent",
        ).images
    mask = box_mask(BOXES, 32, 32)
    denoise = gligen_denoise(model, prompt, BOXES, known, mask, negative="blurred")
    settings, seen = SamplerSettings(steps=8, guidance=guidance, method=method), []
    out = inpaint(
        denoise, scheduler, known, mask, settings,
        generator=generator, on_step=lambda done, latents: seen.append(latents),
    )  # fmt: skip
    assert_close(seen[-1], expected, atol=1e-4, rtol=1e-4)  # two passes are not one batch: rounding differs
    painted = mask.bool().expand(known.shape)
    assert_close(out[painted], expected[painted], atol=1e-4, rtol=1e-4)
    assert torch.equal(out[~painted], known[~painted])  # the pipeline leaves the known region as sampled
    assert not torch.allclose(expected[~painted], known[~painted], atol=1e-3)


def test_text_and_boxes_in_picture_and_maps_out(model, prompt, image):
    known, mask = encode(model, image), box_mask(BOXES, 32, 32)
    denoise = gligen_denoise(model, prompt, BOXES, known, mask)
    with AttentionStore(model.unet) as store:
        latents = inpaint(
            store.watching(denoise), model.scheduler, known, mask, SamplerSettings(steps=4),
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
    painted, kept = decode(model, latents), decode(model, known)
    assert painted.shape == image.shape
    assert painted.abs().max() <= 1
    outside = (1 - mask).bool().expand(known.shape)
    assert torch.equal(latents[outside], known[outside])
    inside = box_mask(BOXES, 64, 64).bool().expand(image.shape)
    change = (painted - kept).abs()  # the decoder's attention carries a little of it everywhere
    assert change[inside].mean() > 1.5 * change[~inside].mean()
    maps = store.maps(prompt.tokens)
    assert maps.shape == (1, 3, 16, 16)
    assert not torch.allclose(maps[0, 0], maps[0, 2], rtol=1e-3)  # two guns, two maps


@pytest.mark.parametrize("change", ["box", "phrase", "caption", "known", "mask"])
def test_every_condition_is_felt(model, prompt, image, change):
    known, mask = encode(model, image), box_mask(BOXES, 32, 32)
    noisy, times = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(1)), torch.tensor([500])
    given = {"prompt": prompt, "boxes": BOXES, "known": known, "mask": mask}
    other = dict(given)
    if change == "box":
        other["boxes"] = 1 - BOXES.flip(1)
    elif change == "known":
        other["known"] = known + 1 - mask
    elif change == "mask":
        other["mask"] = torch.ones_like(mask)
    else:
        wrench = grounded_prompt(model.tokenizer, ("Gun", "Wrench", "Gun"))
        kept = {"phrase": "phrases", "caption": "caption"}[change]
        other["prompt"] = type(prompt)(**{**vars(prompt), kept: getattr(wrench, kept)})
    outputs = {
        (name, yes): gligen_denoise(model, **conditions)(noisy, times, yes).detach()
        for name, conditions in (("given", given), ("other", other))
        for yes in (True, False)
    }
    assert not torch.allclose(outputs["given", True], outputs["other", True], atol=1e-5)
    same = torch.allclose(outputs["given", False], outputs["other", False], atol=1e-6)
    assert same == (change not in ("known", "mask"))  # the unconditional pass knows no prompt and no box


def test_what_is_under_the_mask_is_hidden_from_the_network(model, prompt, image):
    known, mask = encode(model, image), box_mask(BOXES, 32, 32)
    noisy, times = torch.zeros(2, 4, 32, 32), torch.tensor([500, 20])
    both = known.expand(2, -1, -1, -1)
    first = gligen_denoise(model, prompt, BOXES, both, mask.expand(2, -1, -1, -1))(noisy, times, True)
    hidden = gligen_denoise(model, prompt, BOXES, both + 9 * mask, mask.expand(2, -1, -1, -1))
    assert first.shape == (2, 4, 32, 32)
    assert torch.equal(first, hidden(noisy, times, True))


def test_gradients_reach_what_is_trained_and_nothing_else(prompt, image):
    model = gligen_tiny(latents=16)
    trained = freeze_base(model.unet)
    parts = {name.split(".")[0] if ".fuser." not in name else "fuser" for name in trained}
    assert parts == {"fuser", "position_net", "conv_in"}
    known = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    denoise = gligen_denoise(model, prompt, BOXES, known, box_mask(BOXES, 16, 16))
    denoise(torch.randn_like(known), torch.tensor([300]), True).square().mean().backward()
    silent = [name for name, value in trained.items() if value.grad is None or not value.grad.any()]
    assert silent == []
    frozen = [value for name, value in model.unet.named_parameters() if name not in trained]
    assert frozen
    assert not any(value.requires_grad or value.grad is not None for value in frozen)


def test_the_mask_covers_every_cell_a_box_touches():
    mask = box_mask(torch.tensor([[0.3, 0.51, 0.45, 0.59]]), 10, 10)[0, 0]
    assert mask.nonzero().tolist() == [[5, 3], [5, 4]]
    assert torch.equal(box_mask(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 7, 5), torch.ones(1, 1, 7, 5))
    assert not box_mask(torch.zeros(0, 4), 4, 4).any()


def test_conditions_that_do_not_fit_are_refused(model, prompt):
    known, mask = torch.zeros(1, 4, 32, 32), torch.ones(1, 1, 32, 32)
    with pytest.raises(ShapeError, match=r"boxes must be \(3, 4\)"):
        gligen_denoise(model, prompt, BOXES[:2], known, mask)
    with pytest.raises(ValueError, match="divide pixels by width and height"):
        gligen_denoise(model, prompt, BOXES * 64, known, mask)
    with pytest.raises(ValueError, match="none empty"):
        gligen_denoise(model, prompt, BOXES[:, [2, 1, 0, 3]], known, mask)
    with pytest.raises(ShapeError, match=r"mask must be \(B, 1, h, w\)"):
        gligen_denoise(model, prompt, BOXES, known, mask[..., :16])


def test_another_kind_of_model_is_refused(model):
    from diffusers import UNet2DConditionModel

    plain = UNet2DConditionModel.from_config({**model.unet.config, "attention_type": "default"})
    with pytest.raises(BadInputError, match="attention_type of the unet: expected gated, got default"):
        Gligen(plain, model.vae, model.text_encoder, model.tokenizer, model.scheduler)
