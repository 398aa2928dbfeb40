"""Materials, spectra, transmission, effective atomic number, detector and pseudo-colour.

Units: mm, g/cm3, keV; transmission is I/I0 with air = 1.
"""

from beltline.physics.background import background_color, whiten_background
from beltline.physics.basis import basis_matrix, basis_vector
from beltline.physics.color import STYLES, ColorStyle, colorize
from beltline.physics.color_inverse import approximate_transmission_and_zeff, guess_style
from beltline.physics.detector import IDEAL, Detector, detect, random_detector
from beltline.physics.materials import MATERIALS, Material, bin_mu_per_mm, find_material, mass_mu_cm2_per_g
from beltline.physics.spectra import TUBES_KV, Spectrum, spectrum
from beltline.physics.style_random import random_style
from beltline.physics.transmission import dual_energy_transmission, exact_transmission, transmit_supersampled
from beltline.physics.zeff import CALIBRATION_Z, calibration_low_depth, effective_atomic_number

__all__ = [
    "CALIBRATION_Z",
    "IDEAL",
    "MATERIALS",
    "STYLES",
    "TUBES_KV",
    "ColorStyle",
    "Detector",
    "Material",
    "Spectrum",
    "approximate_transmission_and_zeff",
    "background_color",
    "basis_matrix",
    "basis_vector",
    "bin_mu_per_mm",
    "calibration_low_depth",
    "colorize",
    "detect",
    "dual_energy_transmission",
    "effective_atomic_number",
    "exact_transmission",
    "find_material",
    "guess_style",
    "mass_mu_cm2_per_g",
    "random_detector",
    "random_style",
    "spectrum",
    "transmit_supersampled",
    "whiten_background",
]
