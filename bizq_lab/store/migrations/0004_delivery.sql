-- 0004_delivery: which alert reached which channel.

-- An alert went to a channel, failed to, or was laid to rest there. One row per alert, channel and try.
CREATE TABLE delivery (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    alert_event_id VARCHAR,
    channel VARCHAR,
    status VARCHAR,
    reason VARCHAR
);
