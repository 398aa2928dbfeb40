"""A library that is quick to bake, one for all tests of what is composed from one."""

import pytest

from beltline.simulate.library import ObjectLibrary, bake_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ObjectLibrary:
    return bake_library(
        tmp_path_factory.mktemp("library"), seed=1, split="test", pixel_mm=5.0, each=1, threats_each=1
    )
