-- arm_outcome: what became of each decision and of each human task, people being an arm of their own (S21). The rows of
--          assigned arms are those of task_outcome, untouched: what a person did later counts for no model.
-- grain:   one row per (decision_id, arm, human_task_id)
-- reads:   task_outcome, human_task
-- columns: those of task_outcome; of a person decided_at_us is when the task was opened, response_time_us until it was done,
--          timed_out whether that was after its due time, cost_nano_usd the minutes spent at the rate of the hour, and
--          quality 1 or 0 as the person judged it, source person; only what is done is here
CREATE OR REPLACE VIEW arm_outcome AS
WITH latest AS (
    SELECT *, min(recorded_at_us) OVER (PARTITION BY human_task_id) AS opened_at_us
    FROM human_task
    QUALIFY row_number() OVER (PARTITION BY human_task_id ORDER BY recorded_at_us DESC, event_id DESC) = 1
), people AS (
    SELECT
        h.decision_id, t.task_id, t.task_key, t.task_type, t.workspace_id, t.unit, t.segment,
        'human' AS arm, 'human' AS model, 'people' AS provider, t.policy, 'observational' AS design,
        t.experiment, t.stage, t.repeat, t.propensity_ppb, t.config_hash, t.catalog_version, '' AS prompt_version, t.origin,
        h.opened_at_us AS decided_at_us,
        CASE WHEN h.succeeded THEN 'completed' ELSE 'failed' END AS status,
        h.succeeded,
        'human' AS served_model,
        1 AS attempts,
        FALSE AS failed_over,
        h.recorded_at_us > h.due_at_us AS timed_out,
        '' AS error_type,
        h.recorded_at_us - h.opened_at_us AS response_time_us,
        h.cost_nano_usd AS cost_nano_usd,
        h.succeeded::BIGINT * 1000000 AS quality_ppm,
        'person' AS quality_source,
        0 AS ratings,
        h.human_task_id,
        h.recorded_at_us AS finished_at_us,
        t.cluster_bucket
    FROM latest AS h
    JOIN task_outcome AS t USING (decision_id)
    WHERE h.status = 'done'
)
SELECT * FROM task_outcome
UNION ALL BY NAME
SELECT * FROM people;
