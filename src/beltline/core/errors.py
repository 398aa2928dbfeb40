"""The few errors users meet, each with the exit code the command line returns for it."""

from typing import ClassVar


class BeltlineError(ValueError):
    """An error with one clear line for the user.

    Attributes:
        exit_code: What the command line exits with; see the command contract in the architecture page.

    Example:
        >>> BadInputError("bag.png: truncated after 12 rows").exit_code
        3
    """

    exit_code: ClassVar[int] = 1


class BadInputError(BeltlineError):
    """A file that cannot be read as what it claims to be; the message names the file and the reason."""

    exit_code = 3


class UntrustedWeightsError(BeltlineError):
    """Model weights that are unknown or whose checksum differs from the model card."""

    exit_code = 4


class MissingExtraError(BeltlineError):
    """A feature whose optional packages or resources are not installed; the message names them."""

    exit_code = 5


class PartialFailureError(BeltlineError):
    """Some items failed and are listed; the others are done."""

    exit_code = 6


class QualityGateError(BeltlineError):
    """A measured quality is below the agreed gate."""

    exit_code = 7


class ShapeError(ValueError):
    """Arrays whose shapes do not fit each other; the message gives both."""
