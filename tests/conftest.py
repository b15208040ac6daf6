"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def _shared_data() -> Path:
    return Path(os.environ.get("SALTWELL_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings, used where it lies."""
    folder = _shared_data() / "recordings"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; set SALTWELL_TEST_DATA to the folder that holds recordings/")
    return folder


@pytest.fixture(scope="session")
def raw_data() -> Path:
    """The folder of original files the recordings were made from."""
    folder = _shared_data() / "raw"
    if not folder.is_dir():
        pytest.skip(f"no raw data at {folder}; set SALTWELL_TEST_DATA to the folder that holds raw/")
    return folder
