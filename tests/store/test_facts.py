"""Which errors of the database are about what a fact holds, and which about the moment."""

from __future__ import annotations

import psycopg2
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from camtrace.errors import DatabaseUnavailable, FactRefused
from camtrace.store.facts import _said_plainly


class ErrorTests(SynchronousTestCase):
    def told(self, error: Exception) -> type[Exception]:
        answer = defer.ensureDeferred(_said_plainly(defer.fail(error)))
        return self.failureResultOf(answer).type

    def test_of_the_moment(self) -> None:
        """A connection that broke, in whatever words: the fact is kept for later, not set apart."""
        for error in (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            psycopg2.InterfaceError("connection already closed"),
            psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
            psycopg2.ProgrammingError("no results to fetch"),
            DatabaseUnavailable("the database is away"),
            AttributeError("'NoneType' object has no attribute 'cursor'"),
            defer.CancelledError(),
        ):
            self.assertIs(self.told(error), DatabaseUnavailable, error)

    def test_of_the_content(self) -> None:
        """What the database would refuse again."""
        for error in (psycopg2.DataError("value out of range"), ValueError("a NUL"), TypeError("not iterable")):
            self.assertIs(self.told(error), FactRefused, error)
