-- performance_daily: how each assigned arm and model did at each task type, day by day (UTC).
-- grain:   one row per (day, task_type, arm, model)
-- reads:   task_outcome
-- columns: decisions, pending, successes, escalated, failed_over, timed_out counts; success_rate over ended decisions;
--          cost_usd USD, over the costed outcomes; mean_response_time_s seconds; mean_quality in [0, 1] over measured;
--          mean_rating 1 to 5 over rated. Charged to the assigned model, failovers included
CREATE OR REPLACE VIEW performance_daily AS
SELECT
    CAST(make_timestamp(decided_at_us) AS DATE) AS day,
    task_type, arm, model,
    count(*) AS decisions,
    count(*) FILTER (status = 'pending') AS pending,
    count(*) FILTER (succeeded) AS successes,
    count(*) FILTER (succeeded) / nullif(count(succeeded), 0) AS success_rate,
    count(*) FILTER (status = 'escalated') AS escalated,
    count(*) FILTER (failed_over) AS failed_over,
    count(*) FILTER (timed_out) AS timed_out,
    count(cost_nano_usd) AS costed,
    sum(cost_nano_usd) / 1e9 AS cost_usd,
    sum(response_time_us) / nullif(count(response_time_us), 0) / 1e6 AS mean_response_time_s,
    sum(quality_ppm) / nullif(count(quality_ppm), 0) / 1e6 AS mean_quality,
    sum(rating_ppm) / nullif(count(rating_ppm), 0) / 1e6 AS mean_rating
FROM task_outcome
GROUP BY day, task_type, arm, model;
