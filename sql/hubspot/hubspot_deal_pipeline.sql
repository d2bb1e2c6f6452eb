-- description: One row per stage of every deal pipeline, deleted ones marked.
-- grain: pipeline_id, stage_id
-- owner: team:revops
-- materialized: view
-- column: pipeline_id: The id of the pipeline.
-- column: pipeline_label: What people see as the pipeline.
-- column: pipeline_order: The pipeline's place among the pipelines.
-- column: stage_id: The id of the stage.
-- column: stage_label: What people see as the stage.
-- column: stage_order: The stage's place within the pipeline.
-- column: is_closed: Whether the stage ends a deal.
-- column: probability: The chance of winning in this stage, from 0 to 1.
-- column: closed_won: Whether the stage means a won deal.
-- column: is_deleted: The pipeline or the stage is no longer in the portal.
-- column: created_at: When the stage was created.
-- column: updated_at: When the stage was last changed.
-- column: synced_at: When the mirror last read the stage.
select
    cast(s.pipeline_id as text) as pipeline_id,
    cast(p.label as text) as pipeline_label,
    cast(p.display_order as bigint) as pipeline_order,
    cast(s.stage_id as text) as stage_id,
    cast(s.label as text) as stage_label,
    cast(s.display_order as bigint) as stage_order,
    cast(s.is_closed as boolean) as is_closed,
    cast(s.probability as decimal(38, 10)) as probability,
    cast(s.closed_won as boolean) as closed_won,
    cast(coalesce(s._fivetran_deleted, false) or coalesce(p._fivetran_deleted, false) as boolean) as is_deleted,
    cast(s.created_at as timestamptz) as created_at,
    cast(s.updated_at as timestamptz) as updated_at,
    cast(s._fivetran_synced as timestamptz) as synced_at
from hubspot.deal_pipeline_stage as s
left join hubspot.deal_pipeline as p on p.pipeline_id = s.pipeline_id
