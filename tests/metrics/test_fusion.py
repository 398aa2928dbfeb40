"""Metrics of fusion against scikit-image, literal slow versions, and cases done by hand."""

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from beltline.core import ShapeError
from beltline.metrics import fusion_errors as errors
from beltline.metrics.fusion_edges import METRIC_XYDEAS, PETROVIC, edge_intensity, luminance, qabf
from beltline.metrics.fusion_structure import canny_edges, mef_ssim, piella_q, piella_qe, ssim


@pytest.fixture
def images(rng):
    smooth = np.cumsum(np.cumsum(rng.normal(0, 3, (3, 30, 36)), axis=1), axis=2)
    return np.clip(128 + smooth, 0, 255)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_ssim_and_psnr_are_those_of_scikit_image(images):
    x, y, _ = images
    expected = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(x, y) == pytest.approx(expected, abs=1e-12)
    assert errors.psnr(x, y) == pytest.approx(peak_signal_noise_ratio(y, x, data_range=255))


def test_ssim_under_a_mask_is_that_of_its_windows(images):
    x, y, _ = images
    _, full = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    mask = np.zeros(x.shape)
    mask[8:12, 20:25] = 1
    assert ssim(x, y, mask) == pytest.approx(full[8:12, 20:25].mean(), abs=1e-12)
    assert math.isnan(ssim(x, y, np.zeros(x.shape)))


def literal_qabf(a, b, f, constants, folded):
    """Pixel by pixel, as the formula stands."""

    def edges(image):
        padded = np.pad(image, 1, mode="reflect")
        h, w = image.shape
        kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
        windows = [[padded[r : r + 3, c : c + 3] for c in range(w)] for r in range(h)]
        across = np.array([[(win * kernel).sum() for win in row] for row in windows])
        down = np.array([[(win * kernel.T).sum() for win in row] for row in windows])
        return np.hypot(across, down), across, down

    made = [edges(image) for image in (a, b, f)]
    total = weight = 0.0
    for r, c in np.ndindex(a.shape):
        strength_f, x_f, y_f = (part[r, c] for part in made[2])
        for part in made[:2]:
            g, x, y = (values[r, c] for values in part)
            angle, angle_f = (math.atan(v / u) if u else math.pi / 2 for u, v in ((x, y), (x_f, y_f)))
            ratio = min(g, strength_f) / max(g, strength_f) if max(g, strength_f) else 1.0
            delta = abs(angle - angle_f)
            same = abs(delta - math.pi / 2) * 2 / math.pi if folded else 1 - delta / (math.pi / 2)
            (ga, ka, ca), (gb, kb, cb) = constants.strength, constants.orientation
            kept = ga / (1 + math.exp(ka * (ratio - ca))) * gb / (1 + math.exp(kb * (same - cb)))
            total, weight = total + kept * g, weight + g
    return total / weight


@pytest.mark.parametrize("constants", [PETROVIC, METRIC_XYDEAS])
@pytest.mark.parametrize("angle", ["difference", "folded"])
def test_qabf_is_the_formula(images, constants, angle):
    a, b, f = images[:, :12, :13]
    found = qabf(a, b, f, constants=constants, angle=angle)
    assert found == pytest.approx(literal_qabf(a, b, f, constants, angle == "folded"), rel=1e-9)


def test_qabf_has_its_limits(images):
    a, b, _ = images
    # both sigmoids at 1: 0.9994 / (1 + e^-7.5) * 0.9879 / (1 + e^-4.4)
    best = 0.9994 / (1 + math.exp(-7.5)) * 0.9879 / (1 + math.exp(-4.4))
    assert qabf(a, a, a) == pytest.approx(best)
    assert qabf(a, b, np.full_like(a, 7)) < 0.01
    assert math.isnan(qabf(np.ones((4, 4)), np.ones((4, 4)), np.eye(4)))


def test_folded_angles_take_opposite_edges_for_the_same():
    # gradients at +80 and -80 degrees: 160 apart
    rows, columns = np.mgrid[:20, :20].astype(float)
    first, turned = (np.sin(np.radians(80)) * rows + s * np.cos(np.radians(80)) * columns for s in (1, -1))
    inner = (slice(2, -2),) * 2
    apart, folded = (
        qabf(first[inner], first[inner], turned[inner], angle=a) for a in ("difference", "folded")
    )
    assert apart < 0.2
    assert folded > apart + 0.3


def test_edge_intensity_of_a_step_by_hand():
    step = np.zeros((6, 8))
    step[:, 4:] = 10
    # Sobel sums 1 + 2 + 1 over two columns of 8: 40 in each
    assert edge_intensity(step) == pytest.approx(40 * 2 / 8)
    assert edge_intensity(step.T) == pytest.approx(40 * 2 / 8)


def literal_q0(x, y):
    spread, level = x.var() + y.var(), x.mean() ** 2 + y.mean() ** 2
    covariance = ((x - x.mean()) * (y - y.mean())).mean()
    return (2 * covariance / spread if spread else 1) * (2 * x.mean() * y.mean() / level if level else 1)


def test_piella_is_the_formula_window_by_window(images):
    a, b, f = images[:, :14, :15]
    total = weight = 0.0
    for r in range(14 - 7):
        for c in range(15 - 7):
            x, y, z = (image[r : r + 8, c : c + 8] for image in (a, b, f))
            share = x.var() / (x.var() + y.var())
            salient = max(x.var(), y.var())
            total += salient * (share * literal_q0(x, z) + (1 - share) * literal_q0(y, z))
            weight += salient
    assert piella_q(a, b, f) == pytest.approx(total / weight, rel=1e-9)


def test_piella_has_its_limits(images):
    a, b, f = images
    assert piella_q(a, a, a) == pytest.approx(1)
    assert piella_qe(a, a, a) == pytest.approx(1)
    assert piella_q(np.ones((9, 9)), np.ones((9, 9)), np.ones((9, 9))) == 1
    edges = [canny_edges(image) for image in (a, b, f)]
    assert set(np.unique(edges[0])) == {0, 1}
    expected = piella_q(a, b, f) * max(0, piella_q(*edges)) ** 2
    assert piella_qe(a, b, f, alpha=2) == pytest.approx(expected)


def literal_mef(sources, fused):
    values = []
    for r in range(fused.shape[0] - 10):
        for c in range(fused.shape[1] - 10):
            cut = (slice(r, r + 11), slice(c, c + 11))
            xs = [s[cut].ravel() - s[cut].mean() for s in sources]
            y = fused[cut].ravel() - fused[cut].mean()
            norms = [np.linalg.norm(x) for x in xs]
            agreement = np.linalg.norm(sum(xs)) / sum(norms)
            power = min(math.tan(math.pi / 2 * min(agreement, 1 - 1e-9)), 10)
            mixed = sum(n**power * x / n for n, x in zip(norms, xs, strict=True))
            wished = max(norms) * mixed / np.linalg.norm(mixed)
            constant = (0.03 * 255) ** 2
            values.append(
                (2 * (wished * y).mean() + constant) / ((wished**2).mean() + (y**2).mean() + constant)
            )
    return np.mean(values)


def test_mef_ssim_is_the_formula_patch_by_patch(images):
    a, b, f = images[:, :14, :16]
    assert mef_ssim([a, b], f) == pytest.approx(literal_mef([a, b], f), rel=1e-6)
    assert mef_ssim([a, a], a) == pytest.approx(1)


def test_errors_by_hand():
    truth = np.full((2, 2, 3), 100.0)
    image = truth.copy()
    image[0, 0] = [110, 90, 100]
    mask = np.array([[1, 0], [0, 0]])
    assert errors.mean_absolute_error(image, truth) == pytest.approx(20 / 12)
    assert errors.mean_absolute_error(image, truth, mask) == pytest.approx(20 / 3)
    assert errors.mean_absolute_error(image, truth, mask < 0.5) == 0
    assert errors.psnr(image, truth, mask) == pytest.approx(10 * math.log10(255**2 / (200 / 3)))
    assert errors.psnr(truth, truth) == math.inf
    assert math.isnan(errors.psnr(image, truth, np.zeros((2, 2))))
    assert errors.saturation_error(image, truth, mask) == pytest.approx(20 / 110)
    assert errors.luminance_error(image, truth, mask) == pytest.approx(abs(2.99 - 5.87))
    assert errors.saturation(np.zeros((1, 1, 3)))[0, 0] == 0
    black, white = np.zeros((4, 4)), np.full((4, 4), 255.0)
    assert errors.source_psnr(black, white, white) == pytest.approx(10 * math.log10(2))


def test_luminance_of_grey_is_grey():
    assert luminance(np.full((1, 1, 3), 80))[0, 0] == pytest.approx(80)


@pytest.mark.parametrize(
    "call",
    [
        lambda: qabf(np.ones((4, 4)), np.ones((4, 5)), np.ones((4, 4))),
        lambda: ssim(np.ones((8, 8)), np.ones((8, 8))),
        lambda: piella_q(np.ones((4, 4)), np.ones((4, 4)), np.ones((4, 4))),
        lambda: mef_ssim([], np.ones((20, 20))),
        lambda: luminance(np.ones((4, 4))),
        lambda: errors.psnr(np.ones((4, 4)), np.ones((4, 4)), np.ones((2, 2))),
    ],
)
def test_shapes_that_do_not_fit_are_named(call):
    with pytest.raises(ShapeError):
        call()
