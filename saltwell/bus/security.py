"""How every Kafka client proves who it is, and that the broker is who it says: from the environment.

| variable | meaning |
|---|---|
| SALTWELL_KAFKA_SECURITY_PROTOCOL | PLAINTEXT (default), SSL, SASL_SSL or SASL_PLAINTEXT |
| SALTWELL_KAFKA_SSL_CA | file: the authorities that may vouch for a broker, PEM; default: those of the system |
| SALTWELL_KAFKA_SSL_CERT, SALTWELL_KAFKA_SSL_KEY | files: this client's certificate and unencrypted key, PEM (mTLS) |
| SALTWELL_KAFKA_SASL_MECHANISM | SCRAM-SHA-512 (default) or SCRAM-SHA-256 |
| SALTWELL_KAFKA_SASL_USERNAME | who this client is |
| SALTWELL_KAFKA_SASL_PASSWORD_FILE | file that holds the password; read anew for each client, so it can be changed |

A password stands in a file only: the environment of a process is shown by too many tools. No message and no log
line holds it.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path

from saltwell.errors import StopError
from saltwell.secret import read_secret

_PREFIX = "SALTWELL_KAFKA_"
_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_NO_PASSPHRASE = ""

Settings = dict[str, str]


def security_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of librdkafka that this environment asks for; StopError when they don't make sense together."""
    protocol = _one_of(environment, "SECURITY_PROTOCOL", _PROTOCOLS)
    settings = {"security.protocol": protocol}
    if "SSL" in protocol:
        settings |= _tls(environment)
    if "SASL" in protocol:
        settings |= _sasl(environment)
    return settings


def _tls(environment: Mapping[str, str]) -> Settings:
    ca, cert, key = (environment.get(f"{_PREFIX}SSL_{name}", "") for name in ("CA", "CERT", "KEY"))
    if bool(cert) != bool(key):
        raise StopError(f"{_PREFIX}SSL_CERT and {_PREFIX}SSL_KEY belong together: set both or none")
    _check_certificates(ca, cert, key)
    named = {"ssl.ca.location": ca, "ssl.certificate.location": cert, "ssl.key.location": key}
    return {setting: path for setting, path in named.items() if path}


def _check_certificates(ca: str, cert: str, key: str) -> None:
    """Try them before librdkafka does, whose word on them is hard to read."""
    context = ssl.create_default_context()
    try:
        if ca:
            context.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise StopError(f"{_PREFIX}SSL_CA: {ca} can't be used: {_reason(error)}") from None
    try:
        if cert:
            context.load_cert_chain(cert, key, password=_NO_PASSPHRASE)
    except (OSError, ssl.SSLError) as error:
        reason = f"{_reason(error)}; the key must fit the certificate and must not be encrypted"
        raise StopError(f"{_PREFIX}SSL_CERT, {_PREFIX}SSL_KEY: {cert}, {key} can't be used: {reason}") from None


def _reason(error: OSError) -> str:
    return str(error.strerror if error.strerror and not isinstance(error, ssl.SSLError) else error.args[-1])


def _sasl(environment: Mapping[str, str]) -> Settings:
    user, path = f"{_PREFIX}SASL_USERNAME", f"{_PREFIX}SASL_PASSWORD_FILE"
    for variable in (user, path):
        if not environment.get(variable):
            raise StopError(f"{variable} is not set: {_PREFIX}SECURITY_PROTOCOL asks for a user and a password")
    return {
        "sasl.mechanism": _one_of(environment, "SASL_MECHANISM", _MECHANISMS),
        "sasl.username": environment[user],
        "sasl.password": read_secret(Path(environment[path]), variable=path),
    }


def _one_of(environment: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = environment.get(_PREFIX + name) or known[0]
    if value not in known:
        raise StopError(f"{_PREFIX}{name} is {value!r}: use one of {', '.join(known)}")
    return value
