-- description: One row per status of every ticket pipeline, deleted ones marked.
-- grain: pipeline_id, stage_id
-- owner: team:revops
-- materialized: view
-- column: pipeline_id: The id of the pipeline.
-- column: pipeline_label: What people see as the pipeline.
-- column: pipeline_order: The pipeline's place among the pipelines.
-- column: stage_id: The id of the status.
-- column: stage_label: What people see as the status.
-- column: stage_order: The status's place within the pipeline.
-- column: is_closed: Whether the status ends a ticket.
-- column: ticket_state: OPEN or CLOSED.
-- column: is_deleted: The pipeline or the status is no longer in the portal.
-- column: created_at: When the status was created.
-- column: updated_at: When the status was last changed.
-- column: synced_at: When the mirror last read the status.
select
    cast(s.pipeline_id as text) as pipeline_id,
    cast(p.label as text) as pipeline_label,
    cast(p.display_order as bigint) as pipeline_order,
    cast(s.stage_id as text) as stage_id,
    cast(s.label as text) as stage_label,
    cast(s.display_order as bigint) as stage_order,
    cast(s.is_closed as boolean) as is_closed,
    cast(s.ticket_state as text) as ticket_state,
    cast(coalesce(s._fivetran_deleted, false) or coalesce(p._fivetran_deleted, false) as boolean) as is_deleted,
    cast(s.created_at as timestamptz) as created_at,
    cast(s.updated_at as timestamptz) as updated_at,
    cast(s._fivetran_synced as timestamptz) as synced_at
from hubspot.ticket_pipeline_stage as s
left join hubspot.ticket_pipeline as p on p.pipeline_id = s.pipeline_id
