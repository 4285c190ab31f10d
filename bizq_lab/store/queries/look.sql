-- look: what each arm of an experiment had done, unit by unit, at an instant: what one look is computed from.
-- grain:   one row per (stage, arm, cluster)
-- reads:   task_outcome
-- columns: <x> sum over the cluster's outcomes, <x>_n how many have x; _us, _nano, _ppm as in the log; first_us is when
--          the cluster's first outcome arrived, first_<x> its value
-- params:  experiment, design, as_of_us
--
-- Only what had arrived by then counts, so that the same look can be taken again later. An answer that never came has
-- quality 0.
-- Why the first value: the sequence for small samples bets on each cluster before it is seen, so a cluster's value must
-- not change once it is in, as a mean over repeats would. Repeats and later tasks of a unit are one cluster (S29), and
-- narrow that sequence no further; the other sequence reads all sums anew at each look.
SELECT
    stage,
    arm,
    CASE WHEN $design = 'paired' THEN task_key ELSE unit END AS cluster,
    count(*)::BIGINT AS n,
    count(*) FILTER (succeeded)::BIGINT AS success,
    count(CASE WHEN status = 'completed' THEN quality_ppm ELSE coalesce(quality_ppm, 0) END)::BIGINT AS quality_n,
    coalesce(sum(quality_ppm), 0)::HUGEINT AS quality,
    count(cost_nano_usd)::BIGINT AS cost_n,
    coalesce(sum(cost_nano_usd), 0)::HUGEINT AS cost,
    count(response_time_us)::BIGINT AS latency_n,
    coalesce(sum(response_time_us), 0)::HUGEINT AS latency,
    count(rating_ppm) FILTER (feedback_at_us <= $as_of_us)::BIGINT AS rating_n,
    coalesce(sum(rating_ppm) FILTER (feedback_at_us <= $as_of_us), 0)::HUGEINT AS rating,
    min(finished_at_us) AS first_us,
    arg_min(succeeded::BIGINT, (finished_at_us, decision_id)) AS first_success,
    arg_min(CASE WHEN status = 'completed' THEN quality_ppm ELSE coalesce(quality_ppm, 0) END,
            (finished_at_us, decision_id)) AS first_quality
FROM task_outcome
WHERE experiment = $experiment
  AND design = $design
  AND finished_at_us <= $as_of_us
  AND status NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY first_us, arm, cluster, stage
