-- history: what the log knows of each model at each task type and segment; segment '' is the whole (S25).
-- grain:   one row per (task_type, segment, model)
-- reads:   task_outcome
-- columns: exact sums and sums of squares; token and latency quantiles are observed values; weight_ppm decays with age
-- params:  as_of_us, half_life_us
SELECT
    task_type,
    CASE WHEN grouping(segment) = 1 THEN '' ELSE segment END AS segment,
    model,
    count(*)::BIGINT AS n,
    count(*) FILTER (succeeded)::BIGINT AS successes,
    count(quality_ppm)::BIGINT AS quality_n,
    sum(quality_ppm::HUGEINT) AS quality,
    count(response_time_us)::BIGINT AS latency_n,
    sum(response_time_us::HUGEINT) AS latency,
    sum(response_time_us::HUGEINT * response_time_us) AS latency_latency,
    quantile_disc(response_time_us, 0.95) AS latency_p95,
    count(rating_ppm)::BIGINT AS rating_n,
    sum(rating_ppm::HUGEINT) AS rating,
    sum(rating_ppm::HUGEINT * rating_ppm) AS rating_rating,
    count(cost_nano_usd)::BIGINT AS cost_n,
    sum(cost_nano_usd::HUGEINT) AS cost,
    quantile_disc(input_tokens, [0.1, 0.5, 0.95]) FILTER (input_tokens > 0) AS input_tokens,
    quantile_disc(output_tokens, [0.1, 0.5, 0.95]) FILTER (output_tokens > 0) AS output_tokens,
    sum(round(1e6 * pow(0.5, greatest($as_of_us - decided_at_us, 0) / $half_life_us))::BIGINT) AS weight_ppm,
    max(decided_at_us) AS last_us
FROM task_outcome
WHERE status NOT IN ('pending', 'cancelled')
GROUP BY GROUPING SETS ((task_type, segment, model), (task_type, model))
HAVING NOT (grouping(segment) = 0 AND segment = '')
ORDER BY task_type, segment, model
