"""The table of every endpoint: path, name in faults and counters, handler, scope."""

from hubspot_platform.sandbox.handlers import batch, definitions, links, objects, reference, search
from hubspot_platform.sandbox.limits import Limits
from hubspot_platform.sandbox.routing import Route, route

READ, WRITE = "{object}.read", "{object}.write"
SCHEMA_READ, SCHEMA_WRITE = "crm.schemas.{plural}.read", "crm.schemas.{plural}.write"
OWNERS = "crm.objects.owners.read"
LINKS = "/{from}/{id}/associations"


def all_routes(limits: Limits) -> list[Route]:
    """Return every endpoint of the portal."""
    return [
        *_object_routes(),
        *_link_routes(),
        *_property_routes(),
        route("pipelines", "GET /{object}", "pipelines.list", reference.list_pipelines, READ),
        route("pipelines", "GET /{object}/{pipeline}", "pipelines.read", reference.read_pipeline, READ),
        route("pipelines", "GET /{object}/{pipeline}/stages", "pipelines.stages", reference.list_stages, READ),
        route(
            "pipelines",
            "GET /{object}/{pipeline}/stages/{stage}",
            "pipelines.stage",
            reference.read_stage,
            READ,
        ),
        route("owners", "GET /", "owners.list", reference.list_owners, OWNERS),
        route("owners", "GET /{id}", "owners.read", reference.read_owner, OWNERS),
        route("account", "GET /details", "account.details", reference.account_details),
        route("account", "GET /api-usage/daily/private-apps", "account.usage", reference.daily_usage(limits)),
    ]


def _object_routes() -> list[Route]:
    return [
        route("objects", "GET /{object}", "objects.list", objects.list_objects, READ),
        route("objects", "POST /{object}", "objects.create", objects.create_object, WRITE),
        route("objects", "POST /{object}/search", "search", search.search_objects, READ),
        route("objects", "POST /{object}/merge", "objects.merge", objects.merge_objects, WRITE),
        route("objects", "POST /{object}/gdpr-delete", "objects.gdpr_delete", objects.gdpr_delete, WRITE),
        route("objects", "GET /{object}/{id}", "objects.read", objects.read_object, READ),
        route("objects", "PATCH /{object}/{id}", "objects.update", objects.update_object, WRITE),
        route("objects", "DELETE /{object}/{id}", "objects.archive", objects.archive_object, WRITE),
        route("objects", "POST /{object}/batch/read", "objects.batch_read", batch.batch_read, READ),
        route("objects", "POST /{object}/batch/create", "objects.batch_create", batch.batch_create, WRITE),
        route("objects", "POST /{object}/batch/update", "objects.batch_update", batch.batch_update, WRITE),
        route("objects", "POST /{object}/batch/upsert", "objects.batch_upsert", batch.batch_upsert, WRITE),
        route("objects", "POST /{object}/batch/archive", "objects.batch_archive", batch.batch_archive, WRITE),
    ]


def _link_routes() -> list[Route]:
    one = "/{to}/{to_id}"
    pair = "/{from}/{to}"
    found = [
        route("record_links", f"GET {LINKS}/{{to}}", "associations.read", links.read_links, READ),
        route("record_links", f"PUT {LINKS}/default{one}", "associations.default", links.put_default, WRITE),
        route("record_links", f"PUT {LINKS}{one}", "associations.label", links.put_labelled, WRITE),
        route("record_links", f"DELETE {LINKS}{one}", "associations.archive", links.delete_links, WRITE),
        route("associations", f"GET {pair}/labels", "associations.labels", links.list_labels, READ),
        route("associations", f"POST {pair}/labels", "associations.labels_create", links.create_label, WRITE),
        route("associations", f"PUT {pair}/labels", "associations.labels_update", links.update_label, WRITE),
        route(
            "associations",
            f"DELETE {pair}/labels/{{type_id}}",
            "associations.labels_archive",
            links.delete_label,
            WRITE,
        ),
    ]
    for path, name, handler in (
        ("read", "read", links.batch_read_links),
        ("create", "create", links.batch_create_links),
        ("associate/default", "default", links.batch_default_links),
        ("archive", "archive", links.batch_archive_links),
        ("labels/archive", "archive_labels", links.batch_archive_labels),
    ):
        scope = READ if name == "read" else WRITE
        found.append(route("associations", f"POST {pair}/batch/{path}", f"associations.batch_{name}", handler, scope))
    return found


def _property_routes() -> list[Route]:
    table = (
        ("GET /{object}", "list", definitions.list_properties),
        ("POST /{object}", "create", definitions.create_property),
        ("GET /{object}/{name}", "read", definitions.read_property),
        ("PATCH /{object}/{name}", "update", definitions.update_property),
        ("DELETE /{object}/{name}", "archive", definitions.archive_property),
        ("POST /{object}/batch/read", "batch_read", definitions.batch_read_properties),
        ("POST /{object}/batch/create", "batch_create", definitions.batch_create_properties),
        ("POST /{object}/batch/archive", "batch_archive", definitions.batch_archive_properties),
        ("GET /{object}/groups", "groups", definitions.list_groups),
        ("POST /{object}/groups", "group_create", definitions.create_group),
        ("GET /{object}/groups/{group}", "group_read", definitions.read_group),
        ("PATCH /{object}/groups/{group}", "group_update", definitions.update_group),
        ("DELETE /{object}/groups/{group}", "group_archive", definitions.archive_group),
    )
    return [
        route(
            "properties",
            call,
            f"properties.{name}",
            handler,
            SCHEMA_READ if name in ("list", "read", "batch_read", "groups", "group_read") else SCHEMA_WRITE,
        )
        for call, name, handler in table
    ]
