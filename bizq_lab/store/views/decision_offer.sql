-- decision_offer: what each decision was about, and what could have been chosen for it.
-- grain:   one row per decision_id
-- reads:   decision
-- columns: offer names everything but the task's input that the choice could depend on: task type, config, experiment,
--          stage and the context without its workspace; candidates holds every arm with its propensity
CREATE OR REPLACE VIEW decision_offer AS
WITH first_written AS (
    SELECT *
    FROM decision
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1
), stripped AS (
    SELECT
        *,
        regexp_replace(context::VARCHAR, '("workspace_id"\s*:\s*"([^"\\]|\\.)*",)|(,?"workspace_id"\s*:\s*"([^"\\]|\\.)*")', '') AS asked
    FROM first_written
)
SELECT
    decision_id, arm, model, prompt, temperature, max_tokens,
    md5(concat_ws('|', task_type, config_hash, experiment, stage, asked)) AS offer,
    asked::JSON AS context, candidates, task_input
FROM stripped;
