-- description: Touches that do not count, with the first reason that applies.
-- grain: row_key
-- owner: team:marketing
-- partition: rejected_at
-- check: reason_known error:
--   accepted_values(reason, 'bad_timestamp', 'future', 'too_old', 'bad_client_id', 'bad_email', 'no_identity')
-- column: row_key: The source type and the key of the source's row.
-- column: touchpoint_id: The id the touch would have had.
-- column: source_type: visit, lead, mobile_signup or external.
-- column: source_id: The key in the source.
-- column: reason: In this order: bad_timestamp, future, too_old, bad_client_id, bad_email, no_identity.
-- column: row_json: The refused row, with its channel and click ids as they were read.
-- column: rejected_at: When the table was computed.
with judged as (
    select
        c.row_key,
        c.touchpoint_id,
        c.source_type,
        c.source_id,
        c.occurred_at,
        c.ingested_at,
        c.given_client_id,
        c.given_email,
        c.channel,
        c.campaign,
        c.source,
        c.medium,
        c.term,
        c.content,
        c.gclid,
        c.wbraid,
        c.gbraid,
        c.fbclid,
        c.fbp,
        c.msclkid,
        c.li_fat_id,
        case
            when c.occurred_at > ${as_of} and seconds_between(${as_of}, c.occurred_at) > 300 then 'future'
            else c.reason
        end as reason
    from attribution.touchpoint_candidate as c
)

select
    cast(j.row_key as text) as row_key,
    cast(j.touchpoint_id as text) as touchpoint_id,
    cast(j.source_type as text) as source_type,
    cast(j.source_id as text) as source_id,
    cast(j.reason as text) as reason,
    cast(
        '{"touchpoint_id":' || json_string(j.touchpoint_id)
        || ',"source_type":' || json_string(j.source_type)
        || ',"source_id":' || json_string(j.source_id)
        || ',"occurred_at":' || json_string(instant_text(j.occurred_at))
        || ',"ingested_at":' || json_string(instant_text(j.ingested_at))
        || ',"client_id":' || json_string(j.given_client_id)
        || ',"email":' || json_string(j.given_email)
        || ',"channel":' || json_string(j.channel)
        || ',"campaign":' || json_string(j.campaign)
        || ',"source":' || json_string(j.source)
        || ',"medium":' || json_string(j.medium)
        || ',"term":' || json_string(j.term)
        || ',"content":' || json_string(j.content)
        || ',"gclid":' || json_string(j.gclid)
        || ',"wbraid":' || json_string(j.wbraid)
        || ',"gbraid":' || json_string(j.gbraid)
        || ',"fbclid":' || json_string(j.fbclid)
        || ',"fbp":' || json_string(j.fbp)
        || ',"msclkid":' || json_string(j.msclkid)
        || ',"li_fat_id":' || json_string(j.li_fat_id) || '}' as json
    ) as row_json,
    cast(${as_of} as timestamptz) as rejected_at
from judged as j
where j.reason is not null
