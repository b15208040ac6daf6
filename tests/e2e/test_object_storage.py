"""The same job with a real S3 server as the store."""

import json

CLEAN = "station_composite_6s.mcap"


def test_the_demo_gives_the_same_episode_on_s3(recordings, s3, run):
    arguments = ("demo", "--recording", str(recordings / CLEAN), "--store", f"{s3.url}/demo", "--json")
    done = run(*arguments, **s3.env)
    assert done.returncode == 0, done.stderr
    [episode] = json.loads(done.stdout)["episodes"]

    assert episode["decision"] == "accept"
    assert episode["uri"].startswith("s3://")
    assert all(s["sent"] == s["written"] and s["lost"] == 0 for s in episode["streams"].values())
    verified = run("episodes", "verify", episode["id"], "--store", f"{s3.url}/demo", **s3.env)
    assert verified.returncode == 0, verified.stderr
