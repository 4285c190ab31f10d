-- cells: sufficient statistics of every cell, clustered, for means, rates, ratios and their covariances.
-- grain:   one row per (task_type, arm, model, workspace_id, day); a key that was not asked for is ''
-- reads:   arm_outcome, or task_outcome where nobody took over
-- columns: <x> sum over the cell, <x>_<y> sum over clusters of the product of the clusters' sums; _us, _nano, _ppm as in
--          the log. n counts outcomes, pending none yet; x_n counts the outcomes that have x; clusters that have an outcome
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), by_arm, by_model,
--          by_workspace, by_day, served (cell of the model that answered instead of the one that was assigned),
--          groups (random groups of the clusters instead of them: 'all' 4,096, or 'few', 64; '': the clusters), by_rules
--          (what the rules chose, the arm 'default', goes by its model), drawn (what was drawn together everywhere:
--          'unit', 'task', or 'both'), people (they are an arm of their own, S21; drawn together as the decisions that
--          they took over), coded (task type, arm and model are places in these lists, 0 where they are in none; not
--          with by_rules, served or people), task_types, arms, models
--
-- A cluster is what was drawn together: the assignment unit where traffic was randomised, else the task with its repeats.
-- Charged to the assigned arm: timeouts and errors are outcomes, and an answer that never came has quality 0.
-- The inner keys are bare columns where that will do, and only those that are asked for: DuckDB groups constants too, row
-- by row. Its FILTER takes longer than CASE, and CASE longer than count_if, which is NULL where all is, or a product.
WITH cluster AS (
    SELECT
        task_type, -- unless task_type, unless coded
        array_position($task_types, task_type) AS task_type, -- unless task_type, if coded
        arm, -- if by_arm, unless by_rules, unless coded
        array_position($arms, arm) AS arm, -- if by_arm, unless by_rules, if coded
        CASE WHEN arm = 'default' AND model <> '' THEN model ELSE arm END AS arm, -- if by_arm, if by_rules
        model, -- if by_model, unless served, unless coded
        coalesce(nullif(served_model, ''), model) AS model, -- if by_model, if served
        array_position($models, model) AS model, -- if by_model, unless served, if coded
        workspace_id, -- if by_workspace
        strftime(make_timestamp(decided_at_us), '%Y-%m-%d') AS day, -- if by_day
        cluster_bucket AS cluster, -- if groups=all
        cluster_bucket & 63 AS cluster, -- if groups=few
        unit AS cluster, -- unless groups, if drawn=unit
        task_key AS cluster, -- unless groups, if drawn=task
        CASE WHEN design = 'randomised' THEN 'unit:' || unit ELSE 'task:' || task_key END AS cluster, -- unless groups, if drawn=both
        CAST(count(*) AS HUGEINT) AS decisions,
        CAST(count_if(status <> 'pending') AS HUGEINT) AS n,
        CAST(count_if(design = 'paired') AS HUGEINT) AS paired,
        CAST(coalesce(count_if(succeeded), 0) AS HUGEINT) AS success,
        CAST(coalesce(count_if(failed_over), 0) AS HUGEINT) AS failed_over,
        CAST(count_if(status = 'escalated') AS HUGEINT) AS escalated,
        CAST(coalesce(count_if(timed_out), 0) AS HUGEINT) AS timed_out,
        CAST(count(quality_ppm) AS HUGEINT) AS quality_measured,
        CAST(count(CASE
            WHEN quality_ppm IS NULL AND status NOT IN ('completed', 'pending') THEN 0 ELSE quality_ppm
        END) AS HUGEINT) AS quality_n,
        CAST(coalesce(sum(quality_ppm), 0) AS HUGEINT) AS quality,
        CAST(count(cost_nano_usd) AS HUGEINT) AS cost_n,
        CAST(coalesce(sum(cost_nano_usd), 0) AS HUGEINT) AS cost,
        CAST(count(response_time_us) AS HUGEINT) AS latency_n,
        CAST(coalesce(sum(response_time_us), 0) AS HUGEINT) AS latency,
        CAST(count(time_to_first_chunk_us) AS HUGEINT) AS ttft_n,
        CAST(coalesce(sum(time_to_first_chunk_us), 0) AS HUGEINT) AS ttft,
        CAST(count(rating_ppm * nullif(status <> 'pending', false)::INT) AS HUGEINT) AS rating_n,
        CAST(coalesce(sum(rating_ppm * nullif(status <> 'pending', false)::INT), 0) AS HUGEINT) AS rating,
        max(decided_at_us) AS last_us
    FROM arm_outcome -- if people
    FROM task_outcome -- unless people
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND status <> 'cancelled'
    GROUP BY ALL
)
SELECT
    $task_type AS task_type, -- if task_type
    task_type, -- unless task_type, unless coded
    CAST(coalesce(task_type, 0) AS BIGINT) AS task_type, -- unless task_type, if coded
    arm, -- if by_arm, unless coded
    CAST(coalesce(arm, 0) AS BIGINT) AS arm, -- if by_arm, if coded
    '' AS arm, -- unless by_arm
    model, -- if by_model, unless coded
    CAST(coalesce(model, 0) AS BIGINT) AS model, -- if by_model, if coded
    '' AS model, -- unless by_model
    workspace_id, -- if by_workspace
    '' AS workspace_id, -- unless by_workspace
    day, -- if by_day
    '' AS day, -- unless by_day
    CAST(count_if(n > 0) AS BIGINT) AS clusters,
    CAST(sum(n) AS BIGINT) AS n,
    CAST(sum(decisions - n) AS BIGINT) AS pending,
    CAST(sum(paired) AS BIGINT) AS paired,
    CAST(sum(success) AS BIGINT) AS success,
    CAST(sum(failed_over) AS BIGINT) AS failed_over,
    CAST(sum(escalated) AS BIGINT) AS escalated,
    CAST(sum(timed_out) AS BIGINT) AS timed_out,
    CAST(sum(quality_measured) AS BIGINT) AS quality_measured,
    CAST(sum(quality_n) AS BIGINT) AS quality_n,
    CAST(sum(cost_n) AS BIGINT) AS cost_n,
    CAST(sum(latency_n) AS BIGINT) AS latency_n,
    CAST(sum(ttft_n) AS BIGINT) AS ttft_n,
    CAST(sum(rating_n) AS BIGINT) AS rating_n,
    CAST(sum(quality) AS HUGEINT) AS quality,
    CAST(sum(cost) AS HUGEINT) AS cost,
    CAST(sum(latency) AS HUGEINT) AS latency,
    CAST(sum(ttft) AS HUGEINT) AS ttft,
    CAST(sum(rating) AS HUGEINT) AS rating,
    CAST(sum(n * n) AS HUGEINT) AS n_n,
    CAST(sum(success * success) AS HUGEINT) AS success_success,
    CAST(sum(n * success) AS HUGEINT) AS n_success,
    CAST(sum(quality * quality) AS HUGEINT) AS quality_quality,
    CAST(sum(quality_n * quality_n) AS HUGEINT) AS quality_n_quality_n,
    CAST(sum(quality_n * quality) AS HUGEINT) AS quality_n_quality,
    CAST(sum(cost * cost) AS HUGEINT) AS cost_cost,
    CAST(sum(cost_n * cost_n) AS HUGEINT) AS cost_n_cost_n,
    CAST(sum(cost_n * cost) AS HUGEINT) AS cost_n_cost,
    CAST(sum(latency * latency) AS HUGEINT) AS latency_latency,
    CAST(sum(latency_n * latency_n) AS HUGEINT) AS latency_n_latency_n,
    CAST(sum(latency_n * latency) AS HUGEINT) AS latency_n_latency,
    CAST(sum(ttft * ttft) AS HUGEINT) AS ttft_ttft,
    CAST(sum(ttft_n * ttft_n) AS HUGEINT) AS ttft_n_ttft_n,
    CAST(sum(ttft_n * ttft) AS HUGEINT) AS ttft_n_ttft,
    CAST(sum(rating * rating) AS HUGEINT) AS rating_rating,
    CAST(sum(rating_n * rating_n) AS HUGEINT) AS rating_n_rating_n,
    CAST(sum(rating_n * rating) AS HUGEINT) AS rating_n_rating,
    CAST(sum(success * cost) AS HUGEINT) AS success_cost,
    CAST(sum(quality * cost) AS HUGEINT) AS quality_cost,
    CAST(sum(n * quality) AS HUGEINT) AS n_quality,
    CAST(sum(n * cost) AS HUGEINT) AS n_cost,
    CAST(sum(success * quality) AS HUGEINT) AS success_quality,
    max(last_us) AS last_us
FROM cluster
GROUP BY ALL
ORDER BY task_type, arm, model, workspace_id, day
