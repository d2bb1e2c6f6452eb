"""Which records a list's filter branch matches: AND and OR branches of property filters, the operators people use most.

`record_lists` evaluates DYNAMIC lists with it; a branch the portal cannot evaluate is refused when a list is made.
"""

from collections.abc import Callable, Mapping, Sequence

from hubspot_platform.sandbox.model import Record, Value
from hubspot_platform.sandbox.store import ObjectStore
from hubspot_platform.sandbox.wire import invalid

Match = Callable[[Record], bool]
Compare = Callable[[Value, frozenset[str]], bool]


def _has_any(value: Value, wanted: frozenset[str]) -> bool:
    """Tell whether one of the values of a property, which may hold several, is among the wanted ones."""
    return value in wanted or (value is not None and ";" in value and not wanted.isdisjoint(value.split(";")))


# operator of a filter's `operation` -> whether a value of the property passes, given the filter's values
OPERATORS: Mapping[str, Compare] = {
    "IS_ANY_OF": _has_any,
    "IS_NONE_OF": lambda value, wanted: not _has_any(value, wanted),
    "IS_EQUAL_TO": lambda value, wanted: value in wanted,
    "IS_NOT_EQUAL_TO": lambda value, wanted: value not in wanted,
    "IS_KNOWN": lambda value, wanted: value not in (None, ""),
    "IS_UNKNOWN": lambda value, wanted: value in (None, ""),
}


def any_of(name: str, *values: str) -> dict[str, object]:
    """Return the branch of one condition, the way HubSpot nests it: an OR of ANDs."""
    operation = {
        "operationType": "ENUMERATION",
        "operator": "IS_ANY_OF",
        "values": list(values),
        "includeObjectsWithNoValueSet": False,
    }
    inner = _branch("AND", filters=[{"filterType": "PROPERTY", "property": name, "operation": operation}])
    return _branch("OR", branches=[inner])


def _branch(kind: str, *, branches: Sequence[object] = (), filters: Sequence[object] = ()) -> dict[str, object]:
    return {
        "filterBranchType": kind,
        "filterBranchOperator": kind,
        "filterBranches": list(branches),
        "filters": list(filters),
    }


def matcher(branch: Mapping[str, object], store: ObjectStore) -> Match:
    """Return the test of a filter branch; raises ApiProblem 400 for one that cannot be evaluated."""
    kind = branch.get("filterBranchType")
    if kind not in ("AND", "OR"):
        raise invalid(f"filterBranchType {kind} is not supported: use AND and OR")
    tests = [_property_test(f, store) for f in _objects(branch, "filters")]
    tests += [matcher(b, store) for b in _objects(branch, "filterBranches")]
    if not tests:
        raise invalid("a filter branch needs filters or filterBranches")
    if len(tests) == 1:
        return tests[0]
    combine = all if kind == "AND" else any
    return lambda record: combine(test(record) for test in tests)


def _objects(branch: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    listed = branch.get(name) or []
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise invalid(f"{name} must be a list of objects")
    return listed


def _property_test(condition: Mapping[str, object], store: ObjectStore) -> Match:
    name, operation = str(condition.get("property")), condition.get("operation")
    if condition.get("filterType") != "PROPERTY" or not isinstance(operation, dict):
        raise invalid(f"filterType {condition.get('filterType')} is not supported: use PROPERTY with an operation")
    column = store.schema.column.get(name)  # a deleted property keeps its column: lists made with it live on
    if column is None:
        raise invalid(f"Property {name} does not exist")
    compare = OPERATORS.get(str(operation.get("operator")))
    if compare is None:
        raise invalid(f"operator {operation.get('operator')} is not supported: use one of {', '.join(OPERATORS)}")
    values = operation.get("values", [operation["value"]] if "value" in operation else [])
    wanted = frozenset(map(str, values if isinstance(values, list) else [values]))

    def test(record: Record) -> bool:
        values = record.values
        return compare(values[column] if column < len(values) else None, wanted)

    return test
