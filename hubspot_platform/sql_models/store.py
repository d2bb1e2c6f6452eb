"""Finds the SQL models and reads them all: the one door for the Dagster assets, the command line and the
tests.

Parsing needs a library that takes longer to import than to use, so its results can be kept in a file: a
process that finds every text there never imports it.
"""

import logging
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hubspot_platform.sql_models.errors import SchemaError
from hubspot_platform.sql_models.header import parse_header
from hubspot_platform.sql_models.model import Analysis, Model, file_of, text_hash
from hubspot_platform.sql_models.render import BusinessTerms, render
from hubspot_platform.warehouse.model import Column

_LOG = logging.getLogger(__name__)
_ANALYSES = TypeAdapter(dict[str, Analysis])
_ANALYSIS_VERSION = "1"  # raised when `parse.py` reads the same text differently


def sql_folder() -> Path:
    """Return the folder of the models: inside the installed package, or beside it in a source tree."""
    package = Path(__file__).parents[1]
    installed = package / "_sql"
    return installed if installed.is_dir() else package.parent / "sql"


def load_models(folder: Path, business: BusinessTerms, *, cache: Path | None = None) -> tuple[Model, ...]:
    """Read every `<schema>/<table>.sql` below `folder`, sorted by name.

    A column without a note that is a model's column of the same name has that column's note. `cache` is a file this
    function may write; a missing or damaged one only costs time. Raises SqlModelError with file and line for the first
    model that breaks a rule.
    """
    known = _read_cache(cache)
    used: dict[str, Analysis] = {}
    models = tuple(
        _load(path.parent.name, path.stem, path.read_text(encoding="utf-8"), business, known, used)
        for path in sorted(folder.glob("*/*.sql"))
    )
    if cache is not None and used != known:
        _write_cache(cache, used)
    return _with_notes_carried_on(models)


def parse_model(schema: str, name: str, text: str, business: BusinessTerms) -> Model:
    """Read one model from its text. Raises HeaderError, SubstitutionError or SchemaError."""
    return _load(schema, name, text, business, {}, {})


def _load(
    schema: str,
    name: str,
    text: str,
    business: BusinessTerms,
    known: dict[str, Analysis],
    used: dict[str, Analysis],
) -> Model:
    file = file_of(schema, name)
    header = parse_header(text, file)
    sql = render(text, business, file)
    key = text_hash(f"{_ANALYSIS_VERSION} {file} {sql}")
    analysis = known.get(key)
    if analysis is None:
        from hubspot_platform.sql_models.parse import analyse

        analysis = analyse(sql, header, file)
    if (schema, name) in analysis.reads:
        raise SchemaError(file, 1, "the model reads its own table", mend="read another table")
    used[key] = analysis
    return Model(schema=schema, name=name, header=header, sql=sql, analysis=analysis)


def _with_notes_carried_on(models: Sequence[Model]) -> tuple[Model, ...]:
    notes = {(m.schema, m.name, column.name): column.description for m in models for column in m.analysis.columns}
    origins = {
        (m.schema, m.name, name): (found[0].schema, found[0].table, name)
        for m in models
        for name, found in m.analysis.lineage
        if len(found) == 1 and found[0].column == name
    }

    def noted(model: Model, column: Column) -> Column:
        place, passed = (model.schema, model.name, column.name), set[tuple[str, str, str]]()
        while not notes.get(place) and place in origins and place not in passed:
            passed.add(place)
            place = origins[place]
        return replace(column, description=notes.get(place, ""))

    return tuple(
        replace(m, analysis=replace(m.analysis, columns=tuple(noted(m, column) for column in m.analysis.columns)))
        for m in models
    )


def _read_cache(cache: Path | None) -> dict[str, Analysis]:
    if cache is None:
        return {}
    try:
        return _ANALYSES.validate_json(cache.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        _LOG.info("parsed SQL models are read again, %s is of no use: %s", cache, type(error).__name__)
        return {}


def _write_cache(cache: Path, analyses: dict[str, Analysis]) -> None:
    """Replace the file in one step; a folder that cannot be written is worth a line in the log, no more."""
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=cache.parent, prefix=cache.name)
        with os.fdopen(handle, "wb") as file:
            file.write(_ANALYSES.dump_json(analyses))
        Path(beside).replace(cache)
    except OSError as error:
        _LOG.info("parsed SQL models are not kept: %s", error)
