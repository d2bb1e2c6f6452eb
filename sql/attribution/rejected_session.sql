-- description: Sessions that are no visit because their session id or browser id is no UUID.
-- grain: session_id
-- owner: team:marketing
-- partition: rejected_at
-- column: session_id: The session's id as it was landed.
-- column: reason: bad_session_id or bad_client_id; the first that applies.
-- column: row_json: The refused row.
-- column: rejected_at: When the table was computed.
select
    cast(s.session_id as text) as session_id,
    cast(case when uuid_of(s.session_id) is null then 'bad_session_id' else 'bad_client_id' end as text) as reason,
    cast(
        '{"session_id":' || json_string(s.session_id)
        || ',"client_id":' || json_string(s.client_id)
        || ',"ingested_at":' || json_string(instant_text(s.ingested_at))
        || ',"started_at":' || json_string(instant_text(s.started_at))
        || ',"landing_url":' || json_string(s.landing_url)
        || ',"referrer":' || json_string(s.referrer)
        || ',"utm_source":' || json_string(s.utm_source)
        || ',"utm_medium":' || json_string(s.utm_medium)
        || ',"utm_campaign":' || json_string(s.utm_campaign)
        || ',"utm_term":' || json_string(s.utm_term)
        || ',"utm_content":' || json_string(s.utm_content)
        || ',"gclid":' || json_string(s.gclid)
        || ',"wbraid":' || json_string(s.wbraid)
        || ',"gbraid":' || json_string(s.gbraid)
        || ',"fbclid":' || json_string(s.fbclid)
        || ',"fbp":' || json_string(s.fbp)
        || ',"msclkid":' || json_string(s.msclkid)
        || ',"li_fat_id":' || json_string(s.li_fat_id)
        || ',"user_agent":' || json_string(s.user_agent)
        || ',"country":' || json_string(s.country) || '}' as json
    ) as row_json,
    cast(${as_of} as timestamptz) as rejected_at
from product.session as s
where uuid_of(s.session_id) is null or uuid_of(s.client_id) is null
