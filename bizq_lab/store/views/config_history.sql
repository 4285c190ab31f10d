-- config_history: every step of every published routing config, and how many decisions it made.
-- grain:   one row per (event_id)
-- reads:   config_version, task_outcome
-- columns: at UTC; decisions counts those logged with this config's hash
CREATE OR REPLACE VIEW config_history AS
WITH used AS (SELECT config_hash, count(*) AS decisions FROM task_outcome GROUP BY config_hash)
SELECT
    c.event_id,
    make_timestamp(c.recorded_at_us) AS at,
    c.action, c.config_hash, c.parent_hash, c.purpose, c.author, c.override,
    coalesce(u.decisions, 0) AS decisions
FROM config_version AS c
LEFT JOIN used AS u USING (config_hash);
