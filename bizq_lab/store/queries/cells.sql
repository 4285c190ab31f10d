-- cells: sufficient statistics of every cell, clustered, for means, rates, ratios and their covariances.
-- grain:   one row per (task_type, arm, model, workspace_id, day); a key that was not asked for is ''
-- reads:   arm_outcome
-- columns: <x> sum over the cell, <x>_<y> sum over clusters of the product of the clusters' sums; _us, _nano, _ppm as in
--          the log. n counts outcomes, pending none yet; x_n counts the outcomes that have x
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), by_arm, by_model, by_workspace,
--          by_day, served (cell of the model that answered instead of the one that was assigned), keep_default (what the
--          rules chose stays the arm 'default' instead of going by its model), people (they are an arm of their own)
--
-- A cluster is what was drawn together: the assignment unit where traffic was randomised, else the task with its repeats.
-- Charged to the assigned arm: timeouts and errors are outcomes, and an answer that never came has quality 0.
WITH outcome AS (
    SELECT
        task_type,
        CASE WHEN NOT $by_arm THEN '' WHEN arm = 'default' AND NOT $keep_default THEN model ELSE arm END AS arm,
        CASE WHEN NOT $by_model THEN '' WHEN $served THEN coalesce(nullif(served_model, ''), model) ELSE model END AS model,
        CASE WHEN $by_workspace THEN workspace_id ELSE '' END AS workspace_id,
        CASE WHEN $by_day THEN strftime(make_timestamp(decided_at_us), '%Y-%m-%d') ELSE '' END AS day,
        CASE WHEN design = 'randomised' THEN 'unit:' || unit ELSE 'task:' || task_key END AS cluster,
        design = 'paired' AS paired,
        status = 'pending' AS pending,
        status, succeeded, failed_over, timed_out, attempts, task_id, config_hash, catalog_version, prompt_version,
        decided_at_us, cost_nano_usd, response_time_us, time_to_first_chunk_us, rating_ppm, quality_source,
        quality_ppm IS NOT NULL AS has_quality,
        CASE WHEN status IN ('pending', 'completed') THEN quality_ppm ELSE coalesce(quality_ppm, 0) END AS quality_ppm
    FROM arm_outcome
    WHERE ($people OR arm <> 'human')
      AND ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND coalesce(status, '') <> 'cancelled'
), cluster AS (
    SELECT
        task_type, arm, model, workspace_id, day, cluster,
        count(*) FILTER (NOT pending) AS n,
        count(*) FILTER (pending) AS pending,
        count(*) FILTER (paired) AS paired,
        count(*) FILTER (succeeded) AS success,
        count(*) FILTER (failed_over) AS failed_over,
        count(*) FILTER (status = 'escalated') AS escalated,
        count(*) FILTER (timed_out) AS timed_out,
        count(*) FILTER (has_quality) AS quality_measured,
        count(quality_ppm) FILTER (NOT pending) AS quality_n,
        count(cost_nano_usd) FILTER (NOT pending) AS cost_n,
        count(response_time_us) FILTER (NOT pending) AS latency_n,
        count(time_to_first_chunk_us) AS ttft_n,
        count(rating_ppm) FILTER (NOT pending) AS rating_n,
        coalesce(sum(quality_ppm) FILTER (NOT pending), 0)::HUGEINT AS quality,
        coalesce(sum(cost_nano_usd) FILTER (NOT pending), 0)::HUGEINT AS cost,
        coalesce(sum(response_time_us) FILTER (NOT pending), 0)::HUGEINT AS latency,
        coalesce(sum(time_to_first_chunk_us), 0)::HUGEINT AS ttft,
        coalesce(sum(rating_ppm) FILTER (NOT pending), 0)::HUGEINT AS rating,
        min(decided_at_us) AS first_us,
        max(decided_at_us) AS last_us,
        min(catalog_version) AS catalog_low, max(catalog_version) AS catalog_high,
        min(prompt_version) AS prompt_low, max(prompt_version) AS prompt_high,
        min(quality_source) FILTER (has_quality) AS source_low, max(quality_source) FILTER (has_quality) AS source_high,
        min(model) AS model_low, max(model) AS model_high
    FROM outcome
    GROUP BY ALL
)
SELECT
    task_type, arm, model, workspace_id, day,
    count(*) FILTER (n > 0) AS clusters,
    sum(n)::BIGINT AS n, sum(pending)::BIGINT AS pending, sum(paired)::BIGINT AS paired,
    sum(success)::BIGINT AS success, sum(failed_over)::BIGINT AS failed_over,
    sum(escalated)::BIGINT AS escalated, sum(timed_out)::BIGINT AS timed_out,
    sum(quality_measured)::BIGINT AS quality_measured,
    sum(quality_n)::BIGINT AS quality_n, sum(cost_n)::BIGINT AS cost_n, sum(latency_n)::BIGINT AS latency_n,
    sum(ttft_n)::BIGINT AS ttft_n, sum(rating_n)::BIGINT AS rating_n,
    sum(quality) AS quality, sum(cost) AS cost, sum(latency) AS latency, sum(ttft) AS ttft, sum(rating) AS rating,
    sum(n::HUGEINT * n) AS n_n,
    sum(success::HUGEINT * success) AS success_success, sum(n::HUGEINT * success) AS n_success,
    sum(quality * quality) AS quality_quality, sum(quality_n::HUGEINT * quality_n) AS quality_n_quality_n,
    sum(quality_n * quality) AS quality_n_quality,
    sum(cost * cost) AS cost_cost, sum(cost_n::HUGEINT * cost_n) AS cost_n_cost_n, sum(cost_n * cost) AS cost_n_cost,
    sum(latency * latency) AS latency_latency, sum(latency_n::HUGEINT * latency_n) AS latency_n_latency_n,
    sum(latency_n * latency) AS latency_n_latency,
    sum(ttft * ttft) AS ttft_ttft, sum(ttft_n::HUGEINT * ttft_n) AS ttft_n_ttft_n, sum(ttft_n * ttft) AS ttft_n_ttft,
    sum(rating * rating) AS rating_rating, sum(rating_n::HUGEINT * rating_n) AS rating_n_rating_n,
    sum(rating_n * rating) AS rating_n_rating,
    sum(success * cost) AS success_cost, sum(quality * cost) AS quality_cost,
    sum(n * quality) AS n_quality, sum(n * cost) AS n_cost, sum(success * quality) AS success_quality,
    min(first_us) AS first_us, max(last_us) AS last_us,
    min(catalog_low) = max(catalog_high) AS one_catalog,
    min(prompt_low) = max(prompt_high) AS one_prompt,
    coalesce(min(source_low) = max(source_high), TRUE) AS one_source,
    coalesce(min(source_low), '') AS quality_source,
    max(catalog_high) AS catalog_version
FROM cluster
GROUP BY ALL
ORDER BY task_type, arm, model, workspace_id, day
