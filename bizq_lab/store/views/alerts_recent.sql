-- alerts_recent: alerts of the log's last seven days. The log's own last event says what is recent, no clock does.
-- grain:   one row per (event_id)
-- reads:   alert, task_outcome
-- columns: raised_at UTC; current_value, baseline_value, threshold in the metric's unit; p_value in [0, 1]
CREATE OR REPLACE VIEW alerts_recent AS
WITH newest AS (
    SELECT greatest(
        coalesce((SELECT max(recorded_at_us) FROM alert), 0),
        coalesce((SELECT max(decided_at_us) FROM task_outcome), 0)
    ) AS at_us
)
SELECT
    a.event_id,
    make_timestamp(a.recorded_at_us) AS raised_at,
    a.alert_type, a.task_type, a.model, a.metric, a.current_value, a.baseline_value, a.threshold, a.n_current,
    a.n_baseline, a.p_value, a.message
FROM alert AS a, newest
WHERE a.recorded_at_us > newest.at_us - 604_800_000_000;
