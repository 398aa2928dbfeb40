"""Public data sets as they were published: one file a set, one table of them all."""

from beltline.data.public.importing import import_public_set
from beltline.data.public.record import PublicSet
from beltline.data.public.table import PUBLIC_SETS, fake_public_set, public_set
from beltline.data.public.verification import verify_public_set

__all__ = [
    "PUBLIC_SETS", "PublicSet", "fake_public_set", "import_public_set", "public_set", "verify_public_set",
]  # fmt: skip
