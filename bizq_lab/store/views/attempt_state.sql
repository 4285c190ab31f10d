-- attempt_state: every call that began, whether or not its end was seen.
-- grain:   one row per (attempt_id)
-- reads:   attempt_started, attempt
-- columns: status is unknown when the end was never written (the process died, or the call still runs); booked_nano_usd
--          billionths of a dollar: the cost, or for an unknown end the worst case, NULL when no price is known
CREATE OR REPLACE VIEW attempt_state AS
WITH began AS (
    SELECT * FROM attempt_started
    QUALIFY row_number() OVER (PARTITION BY attempt_id ORDER BY recorded_at_us, event_id) = 1
), ended AS (
    SELECT * FROM attempt
    QUALIFY row_number() OVER (PARTITION BY attempt_id ORDER BY recorded_at_us, event_id) = 1
)
SELECT
    attempt_id,
    coalesce(e.decision_id, b.decision_id) AS decision_id,
    coalesce(e.ordinal, b.ordinal) AS ordinal,
    coalesce(e.model, b.model) AS model,
    coalesce(e.provider, b.provider) AS provider,
    coalesce(e.status, 'unknown') AS status,
    coalesce(e.purpose, 'unknown') AS purpose,
    e.error_type,
    coalesce(e.maybe_billed, true) AS maybe_billed,
    b.worst_case_nano_usd,
    e.cost_nano_usd,
    CASE WHEN e.attempt_id IS NULL THEN b.worst_case_nano_usd ELSE e.cost_nano_usd END AS booked_nano_usd,
    b.recorded_at_us AS started_at_us,
    e.recorded_at_us AS ended_at_us
FROM began AS b
FULL JOIN ended AS e USING (attempt_id);
