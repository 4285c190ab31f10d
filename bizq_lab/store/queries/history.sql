-- history: what the log knows of each model at each task type and segment; segment '' is the whole (S25).
-- grain:   one row per (task_type, segment, model)
-- reads:   task_outcome
-- columns: exact sums and sums of squares; token and latency quantiles are observed values; weight_ppm halves with every
--          half-life of age
-- params:  as_of_us, half_life_us
--
-- The weight is 2 to the minus age / half-life: whole halvings shift, the rest is the exponential's series. It is in whole
-- millionths, at most 20 of them off, so that every engine gives the same.
WITH aged AS (
    SELECT
        task_type, model, segment, succeeded, quality_ppm, response_time_us, rating_ppm, cost_nano_usd,
        input_tokens, output_tokens, decided_at_us,
        greatest($as_of_us::BIGINT - decided_at_us, 0) // $half_life_us::BIGINT AS halvings,
        greatest($as_of_us::BIGINT - decided_at_us, 0) % $half_life_us::BIGINT AS rest_us
    FROM task_outcome
    WHERE status NOT IN ('pending', 'cancelled')
), scaled AS (
    SELECT *, (rest_us::HUGEINT * 1000000 // $half_life_us::BIGINT)::BIGINT AS x FROM aged
), weighed AS (
    SELECT
        *,
        (1000000 - x * (693147 - x * (240227 - x * (55504 - x * (9618 - x * (1333 - x * 154 // 1000000)
            // 1000000) // 1000000) // 1000000) // 1000000) // 1000000) >> least(halvings, 40)::INTEGER AS weight_ppm
    FROM scaled
), counted AS (
    SELECT *, segment AS part FROM weighed WHERE segment <> ''
    UNION ALL
    SELECT *, '' AS part FROM weighed
)
SELECT
    task_type, part AS segment, model,
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
    sum(weight_ppm)::BIGINT AS weight_ppm,
    max(decided_at_us) AS last_us
FROM counted
GROUP BY task_type, part, model
ORDER BY task_type, segment, model
