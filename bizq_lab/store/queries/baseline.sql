-- baseline: how much a metric varies in each arm and between workspaces: what an experiment is planned from.
-- grain:   one row per arm
-- reads:   task_outcome
-- columns: <x> sum and <x>_sq sum of squares over outcomes, <x>_n how many have x; over workspaces, clusters counts them,
--          <x>_<x> sums their squared sums, <x>_<x>_n the products with their counts, <x>_n_<x>_n their squared counts
-- params:  task_type, from_us (NULL: no start)
--
-- What the rules chose goes by its model. An answer that never came has quality 0.
WITH outcome AS (
    SELECT
        CASE WHEN arm = 'default' THEN model ELSE arm END AS arm, workspace_id, decided_at_us,
        succeeded::BIGINT AS success, cost_nano_usd AS cost, response_time_us AS latency, rating_ppm AS rating,
        CASE WHEN status = 'completed' THEN quality_ppm ELSE coalesce(quality_ppm, 0) END AS quality
    FROM task_outcome
    WHERE task_type = $task_type
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND status NOT IN ('pending', 'cancelled')
), cluster AS (
    SELECT
        arm, workspace_id,
        count(*) AS n, min(decided_at_us) AS first_us, max(decided_at_us) AS last_us,
        count(success) AS success_n, coalesce(sum(success), 0)::HUGEINT AS success,
        coalesce(sum(success * success), 0)::HUGEINT AS success_sq,
        count(quality) AS quality_n, coalesce(sum(quality), 0)::HUGEINT AS quality,
        coalesce(sum(quality::HUGEINT * quality), 0)::HUGEINT AS quality_sq,
        count(cost) AS cost_n, coalesce(sum(cost), 0)::HUGEINT AS cost,
        coalesce(sum(cost::HUGEINT * cost), 0)::HUGEINT AS cost_sq,
        count(latency) AS latency_n, coalesce(sum(latency), 0)::HUGEINT AS latency,
        coalesce(sum(latency::HUGEINT * latency), 0)::HUGEINT AS latency_sq,
        count(rating) AS rating_n, coalesce(sum(rating), 0)::HUGEINT AS rating,
        coalesce(sum(rating::HUGEINT * rating), 0)::HUGEINT AS rating_sq
    FROM outcome
    GROUP BY ALL
)
SELECT
    arm, sum(n)::BIGINT AS n, count(*)::BIGINT AS clusters, min(first_us) AS first_us, max(last_us) AS last_us,
    sum(success_n)::BIGINT AS success_n, sum(success) AS success, sum(success_sq) AS success_sq,
    sum(success * success) AS success_success, sum(success * success_n) AS success_success_n,
    sum(success_n::HUGEINT * success_n) AS success_n_success_n,
    sum(quality_n)::BIGINT AS quality_n, sum(quality) AS quality, sum(quality_sq) AS quality_sq,
    sum(quality * quality) AS quality_quality, sum(quality * quality_n) AS quality_quality_n,
    sum(quality_n::HUGEINT * quality_n) AS quality_n_quality_n,
    sum(cost_n)::BIGINT AS cost_n, sum(cost) AS cost, sum(cost_sq) AS cost_sq,
    sum(cost * cost) AS cost_cost, sum(cost * cost_n) AS cost_cost_n, sum(cost_n::HUGEINT * cost_n) AS cost_n_cost_n,
    sum(latency_n)::BIGINT AS latency_n, sum(latency) AS latency, sum(latency_sq) AS latency_sq,
    sum(latency * latency) AS latency_latency, sum(latency * latency_n) AS latency_latency_n,
    sum(latency_n::HUGEINT * latency_n) AS latency_n_latency_n,
    sum(rating_n)::BIGINT AS rating_n, sum(rating) AS rating, sum(rating_sq) AS rating_sq,
    sum(rating * rating) AS rating_rating, sum(rating * rating_n) AS rating_rating_n,
    sum(rating_n::HUGEINT * rating_n) AS rating_n_rating_n
FROM cluster
GROUP BY ALL
ORDER BY arm
