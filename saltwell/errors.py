"""Errors named by what the caller does next.

Every error that leaves a Saltwell module is one of these three. The command line prints the message as one
line, so a message says what was wrong (with the bad value) and what to do about it.
"""


class SaltwellError(Exception):
    """Base of all errors that Saltwell raises on purpose."""


class RetryError(SaltwellError):
    """The same call may succeed later: something outside was not ready."""


class SkipRecordError(SaltwellError):
    """This one record can't be used; the loop dead-letters it and goes on."""


class StopError(SaltwellError):
    """The process can't go on until a person changes something."""
