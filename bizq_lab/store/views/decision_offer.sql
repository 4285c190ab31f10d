-- decision_offer: what each decision was about, and what could have been chosen for it.
-- grain:   one row per decision_id
-- reads:   task_outcome, decision
-- columns: offer names everything but the task's input that the choice could depend on: task type, config, experiment,
--          stage and the context without its workspace; candidates holds every arm with its propensity
CREATE OR REPLACE VIEW decision_offer AS
WITH first_written AS (
    SELECT decision_id, context, candidates, task_input
    FROM decision
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1
)
SELECT
    t.decision_id, t.arm, t.model, t.prompt, t.temperature, t.max_tokens, t.offer,
    d.context, d.candidates, d.task_input
FROM task_outcome AS t JOIN first_written AS d USING (decision_id);
