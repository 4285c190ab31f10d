-- 0009_clusters: what was drawn together, from what, and what was done, kept beside each outcome.
--
-- md5 and not hash(): the same number on every engine.
ALTER TABLE task_outcome ADD COLUMN cluster_bucket INTEGER;
ALTER TABLE task_outcome ADD COLUMN decision_bucket INTEGER;
ALTER TABLE task_outcome ADD COLUMN eligible VARCHAR;
ALTER TABLE task_outcome ADD COLUMN prompt VARCHAR;
ALTER TABLE task_outcome ADD COLUMN temperature DOUBLE;
ALTER TABLE task_outcome ADD COLUMN max_tokens BIGINT;
ALTER TABLE task_outcome ADD COLUMN offer VARCHAR;

UPDATE task_outcome SET
    cluster_bucket = (md5_number(CASE WHEN design = 'randomised' THEN unit ELSE task_key END) & 4095)::INTEGER,
    decision_bucket = (md5_number(decision_id) & 4095)::INTEGER,
    eligible = '';

UPDATE task_outcome SET
    eligible = decided.eligible,
    prompt = decided.prompt,
    temperature = decided.temperature,
    max_tokens = decided.max_tokens,
    offer = decided.offer
FROM (
    SELECT
        d.decision_id, d.prompt, d.temperature, d.max_tokens,
        CASE WHEN d.design = 'randomised' AND json_type(d.candidates) = 'ARRAY' THEN array_to_string(list_sort([
            c.arm || '=' || round(c.propensity * 1e9)::BIGINT
            FOR c IN from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]')
            IF c.arm IS NOT NULL AND c.propensity > 0 AND c.propensity <= 1
        ]), chr(10)) ELSE '' END AS eligible,
        md5(concat_ws('|', d.task_type, d.config_hash, d.experiment, d.stage, regexp_replace(d.context::VARCHAR, '("workspace_id"\s*:\s*"([^"\\]|\\.)*",)|(,?"workspace_id"\s*:\s*"([^"\\]|\\.)*")', ''))) AS offer
    FROM decision AS d
    QUALIFY row_number() OVER (PARTITION BY d.decision_id ORDER BY d.recorded_at_us, d.event_id) = 1
) AS decided
WHERE task_outcome.decision_id = decided.decision_id;
