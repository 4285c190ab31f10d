-- otel_genai_spans: attempts under the names of OpenTelemetry's GenAI semantic conventions, for tools that speak them.
-- grain:   one row per ("bizq.attempt.id")
-- reads:   attempt, decision
-- columns: start_time_unix_nano, end_time_unix_nano nanoseconds since the epoch; "gen_ai.*" and "error.type" as in the
--          conventions; "bizq.*" are ours; tokens in tokens; "bizq.cost.nano_usd" billionths of a dollar
CREATE OR REPLACE VIEW otel_genai_spans AS
WITH ended AS (
    SELECT DISTINCT ON (attempt_id) * FROM attempt ORDER BY attempt_id, recorded_at_us, event_id
), decided AS (
    SELECT DISTINCT ON (decision_id) decision_id, task_type, workspace_id, arm, experiment
    FROM decision ORDER BY decision_id, recorded_at_us, event_id
)
SELECT
    'chat ' || a.request_model AS span_name,
    (a.recorded_at_us - a.response_time_us) * 1000 AS start_time_unix_nano,
    a.recorded_at_us * 1000 AS end_time_unix_nano,
    CASE WHEN a.status = 'completed' THEN 'OK' ELSE 'ERROR' END AS status_code,
    'chat' AS "gen_ai.operation.name",
    a.provider AS "gen_ai.provider.name",
    a.request_model AS "gen_ai.request.model",
    a.sent_temperature AS "gen_ai.request.temperature",
    a.request_max_tokens AS "gen_ai.request.max_tokens",
    a.response_model AS "gen_ai.response.model",
    a.response_id AS "gen_ai.response.id",
    [a.finish_reason] AS "gen_ai.response.finish_reasons",
    a.time_to_first_chunk_us / 1e6 AS "gen_ai.response.time_to_first_chunk",
    a.input_tokens AS "gen_ai.usage.input_tokens",
    a.output_tokens AS "gen_ai.usage.output_tokens",
    a.cache_read_input_tokens AS "gen_ai.usage.cache_read.input_tokens",
    a.reasoning_output_tokens AS "gen_ai.usage.reasoning.output_tokens",
    nullif(a.error_type, '') AS "error.type",
    a.attempt_id AS "bizq.attempt.id",
    a.decision_id AS "bizq.decision.id",
    a.ordinal AS "bizq.attempt.ordinal",
    a.purpose AS "bizq.attempt.purpose",
    a.cost_nano_usd AS "bizq.cost.nano_usd",
    d.task_type AS "bizq.task.type",
    d.workspace_id AS "bizq.workspace.id",
    d.arm AS "bizq.arm",
    d.experiment AS "bizq.experiment"
FROM ended AS a
LEFT JOIN decided AS d USING (decision_id);
