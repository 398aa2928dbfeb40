import pytest
import torch
from diffusers.schedulers import DDIMScheduler, DDPMScheduler, PNDMScheduler
from torch.testing import assert_close

from beltline.core import ShapeError
from beltline.synthesis.diffusion.sampling import SamplerSettings, inpaint, update_rule

SHAPE = (2, 4, 8, 8)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def schedule(prediction="epsilon"):
    return DDIMScheduler(
        beta_schedule="scaled_linear", steps_offset=1, set_alpha_to_one=False, prediction_type=prediction
    )


def oracle(target, scheduler):
    """A network that knows the clean latents: what it says leads exactly to them."""
    alphas = scheduler.alphas_cumprod

    def denoise(noisy, timesteps, conditional):
        alpha = alphas[timesteps][:, None, None, None]
        noise = (noisy - alpha.sqrt() * target) / (1 - alpha).sqrt()
        if scheduler.config.prediction_type == "epsilon":
            return noise
        return alpha.sqrt() * noise - (1 - alpha).sqrt() * target

    return denoise


@pytest.fixture
def known():
    return torch.randn(SHAPE, generator=seeded(1))


@pytest.fixture
def mask():
    mask = torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:6, 3:7] = 1
    return mask


@pytest.mark.parametrize("method", ["ddim", "plms"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("strength", [1.0, 0.5, 0.1])
def test_an_oracle_leads_to_its_picture_under_the_mask(known, mask, method, prediction, strength):
    scheduler = DDIMScheduler(beta_schedule="scaled_linear", prediction_type=prediction, clip_sample=True)
    target = 3 * torch.randn(SHAPE, generator=seeded(2))  # beyond [-1, 1]: latents are not clipped
    settings = SamplerSettings(steps=20, method=method, strength=strength)
    out = inpaint(
        oracle(target, scheduler), scheduler, known, mask, settings, generator=seeded(), start=target
    )
    inside = mask.bool().expand(SHAPE)
    # DDIM's last step goes to alpha 1; PLMS stops at the first alpha of the schedule, a little noise is left
    tolerance = 1e-3 if method == "ddim" else 0.3
    assert_close(out[inside], target[inside], atol=tolerance, rtol=0)
    assert torch.equal(out[~inside], known[~inside])


def test_settings_say_how_often_and_where_the_network_is_asked(known, mask):
    asked = []

    def denoise(noisy, timesteps, conditional):
        asked.append((int(timesteps[0]), conditional))
        assert timesteps.shape == (2,)
        assert timesteps.dtype == torch.int64
        return torch.zeros_like(noisy)

    def times(**settings):
        asked.clear()
        chosen = SamplerSettings(steps=5, guidance=1, **settings)
        inpaint(denoise, schedule(), known, mask, chosen, generator=seeded(), start=known)
        assert all(conditional for _, conditional in asked)
        return [time for time, _ in asked]

    assert times() == [801, 601, 401, 201, 1]
    assert times(strength=0.6) == [401, 201, 1]
    assert times(method="plms") == [801, 601, 601, 401, 201, 1]  # as PNDMScheduler has them
    assert times(method="plms", strength=0.6) == [401, 201, 201, 1]
    assert times(method="plms", strength=0.2) == [1]
    asked.clear()
    inpaint(denoise, schedule(), known, mask, SamplerSettings(steps=1), generator=seeded())
    assert asked == [(1, False), (1, True)]  # the unconditional pass first


def test_guidance_extrapolates_from_the_unconditional_output(known, mask):
    def denoise(noisy, timesteps, conditional):
        return torch.full_like(noisy, 0.75 if conditional else 0.5)

    def plain(noisy, timesteps, conditional):
        return torch.full_like(noisy, 0.5 + 3 * 0.25)

    guided = inpaint(denoise, schedule(), known, mask, SamplerSettings(guidance=3), generator=seeded())
    direct = inpaint(plain, schedule(), known, mask, SamplerSettings(guidance=1), generator=seeded())
    assert torch.equal(guided, direct)


@pytest.mark.parametrize("method", ["ddim", "plms"])
def test_strength_zero_gives_the_start_back(known, mask, method):
    start = known + mask * torch.randn(SHAPE, generator=seeded(3))
    settings = SamplerSettings(strength=0, method=method)
    out = inpaint(_never, schedule(), known, mask, settings, generator=seeded(), start=start)
    assert torch.equal(out, known * (1 - mask) + start * mask)
    free = SamplerSettings(strength=0, method=method, keep_known=False)
    assert torch.equal(inpaint(_never, schedule(), known, mask, free, generator=seeded(), start=start), start)


def test_less_strength_stays_nearer_to_the_start(known, mask):
    def nothing(noisy, timesteps, conditional):
        return torch.zeros_like(noisy)

    def distance(strength):
        settings = SamplerSettings(strength=strength, keep_known=False)
        out = inpaint(nothing, schedule(), known, mask, settings, generator=seeded(), start=known)
        return float((out - known).abs().mean())

    assert distance(0.1) < distance(0.4) < distance(0.9)


def test_the_generator_alone_decides(known, mask):
    def denoise(noisy, timesteps, conditional):
        return noisy.tanh()

    def draw(seed):
        return inpaint(denoise, schedule(), known, mask, generator=seeded(seed))

    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = draw(0)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, draw(0))
    assert not torch.allclose(first, draw(1))


def test_what_is_not_held_is_sampled_too(known, mask):
    scheduler = schedule()
    target = torch.randn(SHAPE, generator=seeded(2))
    settings = SamplerSettings(keep_known=False, method="ddim")
    out = inpaint(oracle(target, scheduler), scheduler, known, mask, settings, generator=seeded())
    assert_close(out, target, atol=0.2, rtol=0)  # up to the noise of the first alpha


def test_steps_are_told_and_the_scheduler_is_left_alone(known, mask):
    scheduler, told = DDPMScheduler(beta_schedule="scaled_linear", steps_offset=1), []
    before = scheduler.timesteps.clone()
    inpaint(
        lambda noisy, timesteps, conditional: noisy,
        scheduler,
        known,
        mask,
        SamplerSettings(steps=3, method="plms"),
        generator=seeded(),
        on_step=lambda done, latents: told.append((done, tuple(latents.shape))),
    )
    assert told == [(done, SHAPE) for done in (1, 2, 3, 4)]
    assert torch.equal(scheduler.timesteps, before)


def test_the_update_rule_keeps_the_noise_schedule():
    given = PNDMScheduler(beta_schedule="scaled_linear", beta_end=0.012, prediction_type="v_prediction")
    for method, kind in (("ddim", DDIMScheduler), ("plms", PNDMScheduler)):
        rule = update_rule(given, method)
        assert isinstance(rule, kind)
        assert torch.equal(rule.alphas_cumprod, given.alphas_cumprod)
        assert rule.config.prediction_type == "v_prediction"
    with pytest.raises(ValueError, match="zero terminal SNR"):
        update_rule(DDIMScheduler(rescale_betas_zero_snr=True), "plms")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"guidance": 0.5}, "guidance must be at least 1"),
        ({"guidance": float("nan")}, "guidance must be at least 1"),
        ({"method": "euler"}, "method must be one of"),
        ({"strength": 1.2}, r"strength must lie in \[0, 1\]"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        SamplerSettings(**wrong)


def test_latents_that_do_not_belong_together_are_refused(known, mask):
    with pytest.raises(ShapeError, match=r"mask \(B, 1, h, w\)"):
        inpaint(_never, schedule(), known, mask[:, 0], generator=seeded())
    with pytest.raises(ShapeError, match="start must have the shape of known"):
        inpaint(_never, schedule(), known, mask, generator=seeded(), start=known[:1])
    with pytest.raises(ValueError, match="needs a start"):
        inpaint(_never, schedule(), known, mask, SamplerSettings(strength=0.4), generator=seeded())


def _never(noisy, timesteps, conditional):
    raise AssertionError("the network is not needed here")
