-- description: Sessions that are no visit because their session id or browser id is no UUID.
-- grain: session_id
-- owner: team:marketing
-- partition: rejected_at
-- column: session_id: The session's id as it was landed.
-- column: reason: bad_session_id or bad_client_id; the first that applies.
-- column: row_json: The refused row: its ids, time and address.
-- column: rejected_at: When the table was computed.
select
    cast(s.session_id as text) as session_id,
    cast(case when uuid_of(s.session_id) is null then 'bad_session_id' else 'bad_client_id' end as text) as reason,
    cast(
        '{"session_id":' || json_string(s.session_id)
        || ',"client_id":' || json_string(s.client_id)
        || ',"started_at":' || json_string(instant_text(s.started_at))
        || ',"landing_url":' || json_string(s.landing_url)
        || ',"referrer":' || json_string(s.referrer) || '}' as json
    ) as row_json,
    cast(${as_of} as timestamptz) as rejected_at
from product.session as s
where uuid_of(s.session_id) is null or uuid_of(s.client_id) is null
