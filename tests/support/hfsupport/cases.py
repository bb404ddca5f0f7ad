# SPDX-License-Identifier: Apache-2.0
"""Tests as tables, and a runner whose last line says what passed, failed and was skipped."""

import sys
import unittest


def table(*rows):
    """One test for each row: a name, then the arguments of the method."""

    def mark(function):
        function.rows = rows
        return function

    return mark


def bind(function, arguments):
    def test(self):
        return function(self, *arguments)

    test.__doc__ = None
    return test


class Case(unittest.TestCase):
    """Base of all tests: expands tables, shows long differences."""

    maxDiff = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            rows = getattr(function, "rows", None)
            if rows is None:
                continue
            delattr(cls, name)
            for row in rows:
                test_name = f"{name}_{row[0]}"
                if hasattr(cls, test_name):
                    raise ValueError(f"{cls.__name__}.{test_name} is there twice")
                setattr(cls, test_name, bind(function, row[1:]))


class Result(unittest.TextTestResult):
    """Counts failures of set-up as failed tests too; says only what is wrong."""

    def startTest(self, test):
        super().startTest(test)
        self.stream.flush()


def run(part, folder):
    """Runs folder/test_*.py; the exit code."""
    suite = unittest.defaultTestLoader.discover(folder, pattern="test_*.py", top_level_dir=folder)
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=0)
    result = runner.run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = max(0, result.testsRun - failed - skipped)
    print(f"{part}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or passed == 0 else 0
