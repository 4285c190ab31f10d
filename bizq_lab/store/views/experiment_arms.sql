-- experiment_arms: what each experiment gave each of its arms, and what came back.
-- grain:   one row per (experiment, stage, task_type, arm)
-- reads:   task_outcome
-- columns: units distinct assignment units; tasks distinct task keys; decisions, pending, successes counts; success_rate
--          over ended decisions; cost_usd USD over the costed outcomes; first_at, last_at UTC
CREATE OR REPLACE VIEW experiment_arms AS
SELECT
    experiment, stage, task_type, arm,
    max(design) AS design,
    count(DISTINCT unit) AS units,
    count(DISTINCT task_key) AS tasks,
    count(*) AS decisions,
    count(*) FILTER (status = 'pending') AS pending,
    count(*) FILTER (succeeded) AS successes,
    count(*) FILTER (succeeded) / nullif(count(succeeded), 0) AS success_rate,
    sum(cost_nano_usd) / 1e9 AS cost_usd,
    make_timestamp(min(decided_at_us)) AS first_at,
    make_timestamp(max(decided_at_us)) AS last_at
FROM task_outcome
WHERE experiment <> ''
GROUP BY experiment, stage, task_type, arm;
