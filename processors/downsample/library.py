"""Open3D, imported where it is asked for and nowhere else: 312 MB, 0.6 s."""

from types import ModuleType

from saltwell.errors import StopError


def open3d(what: str) -> ModuleType:
    """The library; `StopError` with what needs it and how to install it when it can't be imported."""
    try:
        import open3d as library  # noqa: PLC0415  # only who asks for its work needs it
    except (ImportError, OSError) as error:
        raise StopError(
            f"{what} needs Open3D ({error}); pip install 'saltwell[processors]', "
            "on Debian also apt-get install libusb-1.0-0 libgomp1"
        ) from error
    return library
