-- quarantine_health: journal lines that could not be collected, by segment and reason.
-- grain:   one row per (segment, reason)
-- reads:   quarantine
-- columns: lines counts them; bytes is their length; first_offset is where in the segment the first one begins
CREATE OR REPLACE VIEW quarantine_health AS
SELECT
    segment, reason,
    count(*) AS lines,
    CAST(sum(octet_length(line)) AS BIGINT) AS bytes,
    min(byte_offset) AS first_offset
FROM quarantine
GROUP BY segment, reason;
