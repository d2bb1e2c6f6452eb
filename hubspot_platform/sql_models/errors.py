"""What can be wrong with a SQL model, as typed errors that name the file and the line.

Raised by the other modules of this package; the definitions stop loading on any of them.
"""

from hubspot_platform.errors import PlatformError


class SqlModelError(PlatformError):
    """A model file breaks a rule; `file`, `line` (from 1) and `problem` say which and where."""

    def __init__(self, file: str, line: int, problem: str, *, mend: str) -> None:
        super().__init__(f"{file}:{line}: {problem}", mend=mend)
        self.file = file
        self.line = line
        self.problem = problem


class HeaderError(SqlModelError):
    """The header comment is missing a part or breaks its grammar."""


class SubstitutionError(SqlModelError):
    """A `${name}` in the text is not one the business settings define."""


class PortabilityError(SqlModelError):
    """The text leaves the portable subset of SQL; `mend` says what to write instead."""


class SchemaError(SqlModelError):
    """The output columns, the tables read or the lineage cannot be told from the text."""
