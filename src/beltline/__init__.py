"""Beltline: X-ray scans of bags in, findings out; and the data to train on.

The package itself imports nothing heavy. Take what you need from its rooms::

    from beltline.core import Scan
    from beltline.formats import read_scan
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
