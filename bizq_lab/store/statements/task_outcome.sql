-- task_outcome: the rows of the decisions named in the temporary table `touched`.
-- grain:   one row per decision_id
-- reads:   touched, decision, outcome, feedback; of the batch alone where __events__ is `staged_`
--
-- Collecting one event or rebuilding everything runs this same text, so both give the same rows in whatever order the
-- events arrived. Of a decision written twice the first counts; of outcomes and ratings the latest.
WITH decided AS (
    SELECT *
    FROM __events__decision SEMI JOIN touched USING (decision_id)
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1
), ended AS (
    SELECT *
    FROM __events__outcome SEMI JOIN touched USING (decision_id)
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us DESC, event_id DESC) = 1
), rated AS (
    SELECT
        decision_id,
        arg_max(rating_ppm, (recorded_at_us, event_id)) FILTER (rating_ppm IS NOT NULL) AS rating_ppm,
        count(rating_ppm) AS ratings,
        max(recorded_at_us) AS feedback_at_us
    FROM __events__feedback SEMI JOIN touched USING (decision_id)
    GROUP BY decision_id
)
SELECT
    d.decision_id, d.task_id, d.task_key, d.task_type, d.workspace_id, d.unit, d.segment, d.arm, d.model, d.provider,
    d.policy, d.design, d.experiment, d.stage, try_cast(d.repeat AS INTEGER) AS repeat, d.propensity_ppb, d.config_hash, d.catalog_version,
    d.prompt_version, d.origin,
    d.recorded_at_us AS decided_at_us,
    coalesce(o.status, 'pending') AS status,
    o.succeeded, o.served_model, try_cast(o.attempts AS INTEGER) AS attempts, o.failed_over, o.timed_out, o.error_type, o.response_time_us,
    o.time_to_first_chunk_us, o.input_tokens, o.output_tokens, o.cost_nano_usd, o.quality_ppm, o.quality_source,
    r.rating_ppm,
    coalesce(r.ratings, 0) AS ratings,
    o.human_task_id,
    o.recorded_at_us AS finished_at_us,
    r.feedback_at_us,
    (md5_number(CASE WHEN d.design = 'randomised' THEN d.unit ELSE d.task_key END) & 4095)::INTEGER AS cluster_bucket,
    (md5_number(d.decision_id) & 4095)::INTEGER AS decision_bucket,
    -- The arms that could have been drawn, as lines `arm=parts per billion`: what the sample-ratio check expects (S29).
    CASE WHEN d.design = 'randomised' AND json_type(d.candidates) = 'ARRAY' THEN array_to_string(list_sort([
        c.arm || '=' || round(c.propensity * 1e9)::BIGINT
        FOR c IN from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]')
        IF c.arm IS NOT NULL AND c.propensity > 0 AND c.propensity <= 1
    ]), chr(10)) ELSE '' END AS eligible,
    d.prompt, d.temperature, d.max_tokens,
    -- Everything but the task's input that the choice could depend on, workspaces not told apart.
    md5(concat_ws('|', d.task_type, d.config_hash, d.experiment, d.stage, regexp_replace(d.context::VARCHAR, '("workspace_id"\s*:\s*"([^"\\]|\\.)*",)|(,?"workspace_id"\s*:\s*"([^"\\]|\\.)*")', ''))) AS offer
FROM decided AS d
LEFT JOIN ended AS o USING (decision_id)
LEFT JOIN rated AS r USING (decision_id)
