"""The numbers that Xsyn's released plotting script holds, as CSV beside this file.

The script names neither data set (PIDray, it is thought) nor detector, and the paper's tables were not to be
had; treat the figures as of one unknown setting.
"""

from __future__ import annotations

from collections.abc import Mapping

from beltline.protocols.tables import printed_rows

#: What the paper claims over earlier syntheses: Xsyn-A against SAGAN's final figure, points of mAP.
CLAIMED_POINTS = 1.2


def printed_fractions() -> Mapping[tuple[str, int], float]:
    """Mean AP in percent by method and percentage of the real images that were used.

    Methods are ``real`` (alone), and real with ``GLIGEN``, ``Xsyn-M``, ``Xsyn-A`` or ``TIP`` added.

    Source:
        Plotting script of Xsyn's released code.
    """
    return {(row["method"], int(row["real_percent"])): float(row["map"]) for row in _rows("fractions")}


def printed_finals() -> Mapping[str, float]:
    """Mean AP in percent of the syntheses at the end of the script, commented out there.

    Of all real images, it seems.

    Source:
        Plotting script of Xsyn's released code.
    """
    return {row["method"]: float(row["map"]) for row in _rows("finals")}


def printed_over_projection(method: str) -> Mapping[int, float]:
    """Points of mAP by which a method is ahead of plain projection (TIP), by percentage of real images.

    Raises:
        ValueError: If the method is not printed.

    Example:
        >>> {percent: round(points, 1) for percent, points in printed_over_projection("Xsyn-A").items()}
        {5: 1.9, 10: 0.5, 25: -0.1, 50: 0.5, 75: 1.0}
    """
    printed = printed_fractions()
    percents = [percent for name, percent in printed if name == method]
    if not percents:
        raise ValueError(
            f"no figure of {method!r}; there is {', '.join(dict.fromkeys(n for n, _ in printed))}"
        )
    return {percent: printed[method, percent] - printed["TIP", percent] for percent in percents}


def _rows(name: str) -> list[dict[str, str]]:
    return printed_rows("xsyn", name)
