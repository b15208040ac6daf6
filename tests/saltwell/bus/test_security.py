"""What the environment says is what every client does; nonsense is refused in one line that holds no secret."""

import pytest
import trustme

from saltwell.bus.clients import connection, consumer_config, producer_config, transactional_config
from saltwell.bus.security import security_settings
from saltwell.errors import StopError

SECRET = "not-to-be-said"  # noqa: S105 - of this test only


@pytest.fixture
def files(tmp_path):
    """A password, an authority, and a certificate with its key."""
    authority = trustme.CA()
    issued = authority.issue_cert("station.test")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    return tmp_path


@pytest.fixture
def scram(files):
    return {
        "SALTWELL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "SALTWELL_KAFKA_SSL_CA": str(files / "ca.pem"),
        "SALTWELL_KAFKA_SASL_USERNAME": "g1-04",
        "SALTWELL_KAFKA_SASL_PASSWORD_FILE": str(files / "password"),
    }


def test_without_a_word_clients_speak_plainly():
    assert security_settings({}) == {"security.protocol": "PLAINTEXT"}


def test_a_password_comes_from_its_file_without_the_line_end(scram, files):
    assert security_settings(scram) == {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(files / "ca.pem"),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "g1-04",
        "sasl.password": SECRET,
    }


def test_a_certificate_needs_no_password(files):
    paths = {name: str(files / file) for name, file in {"CERT": "cert.pem", "KEY": "key.pem"}.items()}
    asked = {f"SALTWELL_KAFKA_SSL_{name}": path for name, path in paths.items()}
    assert security_settings({"SALTWELL_KAFKA_SECURITY_PROTOCOL": "SSL", **asked}) == {
        "security.protocol": "SSL",
        "ssl.certificate.location": paths["CERT"],
        "ssl.key.location": paths["KEY"],
    }


def test_every_client_is_told(scram, monkeypatch):
    for variable, value in scram.items():
        monkeypatch.setenv(variable, value)
    for config in (
        connection("b:1"),
        producer_config("b:1"),
        transactional_config("b:1", "t"),
        consumer_config("b:1", "g"),
    ):
        assert config["security.protocol"] == "SASL_SSL"
        assert config["sasl.password"] == SECRET


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"SALTWELL_KAFKA_SECURITY_PROTOCOL": "TLS"}, "'TLS'"),
        ({"SALTWELL_KAFKA_SASL_MECHANISM": "PLAIN"}, "'PLAIN'"),
        ({"SALTWELL_KAFKA_SASL_USERNAME": ""}, "SALTWELL_KAFKA_SASL_USERNAME is not set"),
        ({"SALTWELL_KAFKA_SASL_PASSWORD_FILE": ""}, "SALTWELL_KAFKA_SASL_PASSWORD_FILE is not set"),
        ({"SALTWELL_KAFKA_SASL_PASSWORD_FILE": "/nowhere"}, "/nowhere"),
        ({"SALTWELL_KAFKA_SSL_CA": "/nowhere"}, "/nowhere"),
        ({"SALTWELL_KAFKA_SSL_CA": __file__}, "SALTWELL_KAFKA_SSL_CA"),
        ({"SALTWELL_KAFKA_SSL_CERT": "/some.pem"}, "belong together"),
        ({"SALTWELL_KAFKA_SSL_CERT": "/some.pem", "SALTWELL_KAFKA_SSL_KEY": "/some.key"}, "/some.key"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(scram, change, said):
    with pytest.raises(StopError) as refused:
        security_settings(scram | change)
    assert said in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"\xff\xfe", b"x" * 5000])
def test_a_file_that_holds_no_password_is_refused_and_not_quoted(scram, files, content):
    (files / "password").write_bytes(content)
    with pytest.raises(StopError, match="SALTWELL_KAFKA_SASL_PASSWORD_FILE") as refused:
        security_settings(scram)
    assert "two" not in str(refused.value)
    assert "xxx" not in str(refused.value)


def test_a_key_that_does_not_fit_its_certificate_is_refused(files):
    trustme.CA().issue_cert("other.test").private_key_pem.write_to_path(files / "key.pem")
    env = {"SALTWELL_KAFKA_SECURITY_PROTOCOL": "SSL", "SALTWELL_KAFKA_SSL_CERT": str(files / "cert.pem")}
    with pytest.raises(StopError, match="key must fit the certificate"):
        security_settings(env | {"SALTWELL_KAFKA_SSL_KEY": str(files / "key.pem")})
