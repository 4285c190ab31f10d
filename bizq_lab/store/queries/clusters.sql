-- clusters: what each arm did on each task, or to each assignment unit: the rows that a comparison is computed from.
-- grain:   one row per (task_type, segment, arm, cluster, bucket)
-- reads:   arm_outcome, or task_outcome where nobody took over
-- columns: <x> sum over the cluster's outcomes, <x>_n how many have x; _us, _nano, _ppm as in the log. n counts outcomes,
--          decisions those still pending too;
--          first_us is the first decision, its outcome arrived or not. Where grouped, cluster is '' and bucket tells the
--          groups apart; else bucket is 0
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open),
--          design, by_rules (whether some arm may be 'default', which then goes by its model), by_segment (else segment is
--          ''), grouped (4,096 random groups of clusters instead of the clusters), people (whether any took over)
--
-- People who took over are the arm 'human' beside those of any design (S21), drawn together as the decisions they took over.
-- Paired designs cluster by task, with its repeats; the others by assignment unit. An answer that never came has quality
-- 0. What was cancelled is nobody's outcome and no exposure: a split that cancelling has skewed is a skewed split.
-- The inner keys are bare columns, and only those that are asked for: DuckDB groups constants too, row by row. Its FILTER
-- takes longer than CASE, and CASE longer than count_if, which is NULL where all is.
WITH cluster AS (
    SELECT
        arm,
        task_type, -- unless task_type
        model, -- if by_rules
        segment, -- if by_segment
        cluster_bucket AS bucket, -- if grouped
        task_key AS cluster, -- unless grouped, if design=paired
        unit AS cluster, -- unless grouped, unless design=paired
        count(*) AS decisions,
        count_if(status <> 'pending') AS n,
        coalesce(count_if(succeeded), 0) AS success,
        count(CASE WHEN quality_ppm IS NULL AND status NOT IN ('completed', 'pending') THEN 0 ELSE quality_ppm END)
            AS quality_n,
        sum(quality_ppm) AS quality,
        count(cost_nano_usd) AS cost_n,
        sum(cost_nano_usd) AS cost,
        count(response_time_us) AS latency_n,
        sum(response_time_us) AS latency,
        min(decided_at_us) AS first_us
    FROM arm_outcome -- if people
    FROM task_outcome -- unless people
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND (design = $design OR arm = 'human') -- if people
      AND design = $design -- unless people
      AND status <> 'cancelled'
    GROUP BY ALL
)
SELECT
    $task_type AS task_type, -- if task_type
    task_type, -- unless task_type
    segment, -- if by_segment
    '' AS segment, -- unless by_segment
    CASE WHEN arm = 'default' AND model <> '' THEN model ELSE arm END AS arm, -- if by_rules
    arm, -- unless by_rules
    '' AS cluster, CAST(bucket AS BIGINT) AS bucket, -- if grouped
    cluster, CAST(0 AS BIGINT) AS bucket, -- unless grouped
    CAST(sum(decisions) AS BIGINT) AS decisions,
    CAST(sum(n) AS BIGINT) AS n,
    CAST(sum(success) AS BIGINT) AS success,
    CAST(sum(quality_n) AS BIGINT) AS quality_n,
    CAST(coalesce(sum(quality), 0) AS BIGINT) AS quality,
    CAST(sum(cost_n) AS BIGINT) AS cost_n,
    CAST(coalesce(sum(cost), 0) AS BIGINT) AS cost,
    CAST(sum(latency_n) AS BIGINT) AS latency_n,
    CAST(coalesce(sum(latency), 0) AS BIGINT) AS latency,
    min(first_us) AS first_us
FROM cluster
GROUP BY ALL
ORDER BY task_type, segment, arm, cluster, bucket
