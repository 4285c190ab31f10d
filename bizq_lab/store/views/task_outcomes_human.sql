-- task_outcomes_human: what became of each decision, in the units people use.
-- grain:   one row per (decision_id)
-- reads:   task_outcome
-- columns: decided_at, finished_at, feedback_at UTC; propensity and quality in [0, 1]; rating 1 to 5; cost_usd USD over
--          all attempts, NULL when some price is unknown; response_time_s, time_to_first_chunk_s seconds; succeeded and
--          all that the outcome says is NULL while status is pending
CREATE OR REPLACE VIEW task_outcomes_human AS
SELECT
    decision_id, task_id, task_key, task_type, workspace_id, unit, segment, arm, model, provider, policy, design,
    experiment, stage, repeat,
    propensity_ppb / 1e9 AS propensity,
    config_hash, catalog_version, prompt_version, origin,
    make_timestamp(decided_at_us) AS decided_at,
    status, succeeded, served_model, attempts, failed_over, timed_out, error_type,
    response_time_us / 1e6 AS response_time_s,
    time_to_first_chunk_us / 1e6 AS time_to_first_chunk_s,
    input_tokens, output_tokens,
    cost_nano_usd / 1e9 AS cost_usd,
    quality_ppm / 1e6 AS quality,
    quality_source,
    rating_ppm / 1e6 AS rating,
    ratings, human_task_id,
    make_timestamp(finished_at_us) AS finished_at,
    make_timestamp(feedback_at_us) AS feedback_at
FROM task_outcome;
