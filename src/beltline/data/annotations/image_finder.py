"""Image files by the names that an annotation file gives them."""

from __future__ import annotations

from pathlib import Path

from beltline.data.annotations.annotated import images_in


class ImageFinder:
    """Where pictures lie: folders listed once, each when first asked for; nothing outside the root is found.

    Args:
        root: Folder of the set.
        images: Folder of the images below it, "" for the root itself.
    """

    def __init__(self, root: Path, images: str) -> None:
        self.root, self.images = root, images
        self._listed: dict[str, tuple[set[str], dict[str, str]]] = {}

    def find(self, name: str) -> tuple[str, bool, bool]:
        """Path below the root, whether it is there, and whether only its extension differs.

        Of a picture that is not there the path is where it should be: a folder that the name repeats is said
        once, so that ``images/x.jpg`` is looked for in ``images`` but never missed in ``images/images``.
        """
        below, _, last = name.replace("\\", "/").rpartition("/")
        places = [f"{self.images}/{below}".strip("/"), self.images, below.strip("/")]
        for folder in dict.fromkeys(places):
            names, _ = self._folder(folder)
            if last in names:
                return f"{folder}/{last}".lstrip("/"), True, False
        stem = last.rsplit(".", 1)[0]
        for folder in dict.fromkeys(places):
            other = self._folder(folder)[1].get(stem) if stem else None
            if other is not None:
                return f"{folder}/{other}".lstrip("/"), True, True
        return "/".join([*self._expected(below), last]), False, False

    def _expected(self, below: str) -> list[str]:
        """Folders on the way to a picture whose name leads through ``below``."""
        own, named = (
            [part for part in path.split("/") if part not in ("", ".")] for path in (self.images, below)
        )
        shared = own.index(named[0]) if named and named[0] in own else len(own)
        return own[:shared] + named

    def _folder(self, folder: str) -> tuple[set[str], dict[str, str]]:
        if folder not in self._listed:
            self._listed[folder] = self._names(self.root / folder)
        return self._listed[folder]

    def _names(self, folder: Path) -> tuple[set[str], dict[str, str]]:
        try:
            place = folder.resolve()
            if not place.is_dir() or not place.is_relative_to(self.root.resolve()):
                return set(), {}
            return {entry.name for entry in place.iterdir()}, images_in(place)
        except (OSError, RuntimeError, ValueError):  # a name that no folder can have, a link to itself
            return set(), {}
