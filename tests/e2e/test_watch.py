"""The operator sees the verdict as it is given."""

import json
import subprocess
import sys
import urllib.request

CLEAN = "station_composite_6s.mcap"
TIMEOUT_S = 150


def test_a_verdict_appears_on_the_terminal_and_on_the_page(pipeline, recordings) -> None:
    command = [sys.executable, "-m", "saltwell.cli.main", "watch", "--robot", "watched", "--serve", "0", "--json"]
    watching = subprocess.Popen(
        [*command, "--bootstrap", pipeline.bootstrap], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watching.stdout is not None
    assert watching.stderr is not None
    try:
        url = watching.stderr.readline().split()[-1]
        with urllib.request.urlopen(f"{url}verdicts?robot=watched", timeout=TIMEOUT_S) as page:
            pipeline.replay(recordings / CLEAN, robot="unwatched", speed="max")
            [episode] = pipeline.replay(recordings / CLEAN, robot="watched", speed="max")
            told = json.loads(watching.stdout.readline())
            event = next(line for line in page if line.startswith(b"data: "))
        assert (told["episode"], told["decision"]) == (episode["id"], "accept")
        assert json.loads(event.removeprefix(b"data: ")) == told
    finally:
        watching.terminate()
        watching.wait(TIMEOUT_S)
    assert watching.returncode == 0
