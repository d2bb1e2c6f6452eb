"""The table of every endpoint: path, name in faults and counters, handler, scope."""

from hubspot_platform.sandbox.handlers import (
    batch,
    calling,
    definitions,
    email_events,
    exports,
    forms,
    links,
    lists,
    memberships,
    objects,
    pipelines,
    provisioning,
    reference,
    schemas,
    search,
)
from hubspot_platform.sandbox.limits import Limits
from hubspot_platform.sandbox.routing import Route, route

READ, WRITE = "{object}.read", "{object}.write"
SCHEMA_READ, SCHEMA_WRITE = "crm.schemas.{plural}.read", "crm.schemas.{plural}.write"
CUSTOM_READ, CUSTOM_WRITE = "crm.schemas.custom.read", "crm.schemas.custom.write"
OWNERS, EXPORT, FORMS, CONTENT = "crm.objects.owners.read", "crm.export", "forms", "content"
LINKS = "/{from}/{id}/associations"


def all_routes(limits: Limits) -> list[Route]:
    """Return every endpoint of the portal."""
    return [
        *_object_routes(),
        *_link_routes(),
        *_property_routes(),
        *_pipeline_routes(),
        *_schema_routes(),
        *_people_routes(),
        *_list_routes(),
        *_export_routes(),
        *_marketing_routes(),
        route("calling", "GET /dispositions", "calls.dispositions", calling.list_dispositions),
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


def _pipeline_routes() -> list[Route]:
    one = "/{object}/{pipeline}"
    stage = f"{one}/stages/{{stage}}"
    table = (
        ("GET /{object}", "list", pipelines.list_pipelines),
        ("POST /{object}", "create", pipelines.create_pipeline),
        (f"GET {one}", "read", pipelines.read_pipeline),
        (f"PATCH {one}", "update", pipelines.update_pipeline),
        (f"PUT {one}", "update", pipelines.update_pipeline),
        (f"DELETE {one}", "archive", pipelines.archive_pipeline),
        (f"GET {one}/stages", "stages", pipelines.list_stages),
        (f"POST {one}/stages", "stage_create", pipelines.create_stage),
        (f"GET {stage}", "stage", pipelines.read_stage),
        (f"PATCH {stage}", "stage_update", pipelines.update_stage),
        (f"PUT {stage}", "stage_update", pipelines.update_stage),
        (f"DELETE {stage}", "stage_archive", pipelines.archive_stage),
    )
    return [
        route("pipelines", call, f"pipelines.{name}", handler, READ if call.startswith("GET") else WRITE)
        for call, name, handler in table
    ]


def _schema_routes() -> list[Route]:
    table = (
        ("GET /", "list", schemas.list_schemas),
        ("POST /", "create", schemas.create_schema),
        ("POST /batch/read", "batch_read", schemas.batch_read_schemas),
        ("GET /{type}", "read", schemas.read_schema),
        ("PATCH /{type}", "update", schemas.update_schema),
        ("DELETE /{type}", "archive", schemas.archive_schema),
        ("POST /{type}/associations", "link", schemas.create_link),
    )
    return [
        route(
            "schemas",
            call,
            f"schemas.{name}",
            handler,
            CUSTOM_READ if name in ("list", "read", "batch_read") else CUSTOM_WRITE,
        )
        for call, name, handler in table
    ]


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


def _people_routes() -> list[Route]:
    users, teams = "settings.users.read", "settings.users.teams.read"
    return [
        route("owners", "GET /", "owners.list", reference.list_owners, OWNERS),
        route("owners", "GET /{id}", "owners.read", reference.read_owner, OWNERS),
        route("users", "GET /", "users.list", provisioning.list_users, users),
        route("users", "GET /teams", "users.teams", provisioning.list_teams, teams),
        route("users", "GET /roles", "users.roles", provisioning.list_roles, users),
        route("users", "GET /{user}", "users.read", provisioning.read_user, users),
    ]


def _list_routes() -> list[Route]:
    read, write = "crm.lists.read", "crm.lists.write"
    members, of_records = "/{list}/memberships", "/records/{type}/{record}/memberships"
    table = (
        ("POST /search", "search", lists.search_lists, read),
        ("GET /", "several", lists.read_lists, read),
        ("POST /", "create", lists.create_list, write),
        ("GET /{list}", "read", lists.read_list, read),
        ("GET /object-type-id/{type}/name/{name}", "by_name", lists.read_list_by_name, read),
        ("DELETE /{list}", "delete", lists.delete_list, write),
        ("PUT /{list}/restore", "restore", lists.restore_list, write),
        ("GET /idmapping", "map_id", lists.map_id, read),
        ("POST /idmapping", "map_ids", lists.map_ids, read),
        (f"GET {members}", "members", memberships.list_members, read),
        (f"GET {members}/join-order", "members_by_time", memberships.list_members_by_time, read),
        (f"PUT {members}/add", "add", memberships.add_members, write),
        (f"PUT {members}/remove", "remove", memberships.remove_members, write),
        (f"PUT {members}/add-and-remove", "add_and_remove", memberships.change_members, write),
        (f"GET {of_records}", "of_record", memberships.lists_of_record, read),
        ("POST /records/memberships/batch/read", "of_records", memberships.lists_of_records, read),
    )
    return [route("lists", call, f"lists.{name}", handler, scope) for call, name, handler, scope in table]


def _export_routes() -> list[Route]:
    status = "/export/async/tasks/{export}/status"
    return [
        route("exports", "POST /export/async", "exports.start", exports.start_export, EXPORT),
        route("exports", f"GET {status}", "exports.status", exports.export_status, EXPORT),
        route("exports", "GET /export/{export}", "exports.read", exports.read_export, EXPORT),
        route("exported_files", "GET /{export}/{expires}", "exports.download", exports.download, public=True),
    ]


def _marketing_routes() -> list[Route]:
    events, campaigns = "/events", "/campaigns"
    return [
        route("forms", "GET /", "forms.list", forms.list_forms, FORMS),
        route("forms", "POST /", "forms.create", forms.create_form, FORMS),
        route("forms", "GET /{form}", "forms.read", forms.read_form, FORMS),
        route("forms", "PATCH /{form}", "forms.update", forms.update_form, FORMS),
        route("forms", "PUT /{form}", "forms.replace", forms.replace_form, FORMS),
        route("forms", "DELETE /{form}", "forms.archive", forms.archive_form, FORMS),
        route("submissions", "GET /forms/{form}", "forms.submissions", forms.list_submissions, FORMS),
        route("email", f"GET {events}", "email_events.list", email_events.list_events, CONTENT),
        route("email", f"GET {events}/{{created}}/{{event}}", "email_events.read", email_events.read_event, CONTENT),
        route("email", f"GET {campaigns}/by-id", "email_campaigns.list", email_events.list_campaigns, CONTENT),
        route("email", f"GET {campaigns}/{{campaign}}", "email_campaigns.read", email_events.read_campaign, CONTENT),
    ]
