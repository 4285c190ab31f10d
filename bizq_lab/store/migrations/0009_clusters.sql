-- 0009_clusters: what was drawn together, and what could have been drawn, kept beside each outcome.
--
-- md5 and not hash(): the same number on every engine.
ALTER TABLE task_outcome ADD COLUMN cluster_bucket INTEGER;
ALTER TABLE task_outcome ADD COLUMN decision_bucket INTEGER;
ALTER TABLE task_outcome ADD COLUMN eligible VARCHAR;

UPDATE task_outcome SET
    cluster_bucket = (md5_number(CASE WHEN design = 'randomised' THEN unit ELSE task_key END) & 4095)::INTEGER,
    decision_bucket = (md5_number(decision_id) & 4095)::INTEGER,
    eligible = '';

UPDATE task_outcome SET eligible = offered.eligible
FROM (
    SELECT d.decision_id, min(array_to_string(list_sort([
        c.arm || '=' || round(c.propensity * 1e9)::BIGINT
        FOR c IN from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]') IF c.arm IS NOT NULL AND c.propensity > 0 AND c.propensity <= 1
    ]), chr(10))) AS eligible
    FROM decision AS d
    WHERE d.design = 'randomised' AND json_type(d.candidates) = 'ARRAY'
    GROUP BY d.decision_id
) AS offered
WHERE task_outcome.decision_id = offered.decision_id AND offered.eligible IS NOT NULL;
