-- rollout: what each unit met at each stage of a rollout, on the ramping arm and on the rest.
-- grain:   one row per (stage, unit, treated)
-- reads:   task_outcome, decision
-- columns: n counts decisions that ended or are overdue, failures those that did not succeed; <x> sum, <x>_n how many have
--          x; _us, _nano, _ppm as in the log. first_us is the unit's first exposure at the stage and promised_ppb the
--          arm's propensity then; both NULL on a side that the unit met later
-- params:  task_type, arm, stage (a prefix of the stages), overdue_us (pending decisions before it are failures)
--
-- Charged to the assigned arm. Only what chance decided counts: a context that left one arm eligible is no comparison.
WITH exposed AS (
    SELECT
        stage, unit, arm = $arm AS treated, decision_id, decided_at_us, status, succeeded, response_time_us, cost_nano_usd,
        status <> 'pending' AS ended,
        CASE WHEN status = 'completed' THEN quality_ppm ELSE coalesce(quality_ppm, 0) END AS quality_ppm
    FROM task_outcome
    WHERE task_type = $task_type AND starts_with(stage, $stage) AND experiment = '' AND design = 'randomised'
      AND status <> 'cancelled'
), first AS (
    SELECT stage, unit, arg_min(decision_id, (decided_at_us, decision_id)) AS decision_id
    FROM exposed
    GROUP BY ALL
), offered AS (
    SELECT d.decision_id, unnest(from_json(d.candidates, '[{"arm":"VARCHAR","propensity":"DOUBLE"}]')) AS candidate
    FROM first JOIN decision AS d USING (decision_id)
), promised AS (
    SELECT decision_id, coalesce(max(round(candidate.propensity * 1e9)) FILTER (candidate.arm = $arm), 0)::BIGINT AS ppb
    FROM offered
    GROUP BY ALL
)
SELECT
    e.stage, e.unit, e.treated,
    count(*) FILTER (e.ended OR e.decided_at_us < $overdue_us)::BIGINT AS n,
    count(*) FILTER (CASE WHEN e.ended THEN NOT e.succeeded ELSE e.decided_at_us < $overdue_us END)::BIGINT AS failures,
    count(e.quality_ppm) FILTER (e.ended OR e.decided_at_us < $overdue_us)::BIGINT AS quality_n,
    coalesce(sum(e.quality_ppm) FILTER (e.ended), 0)::HUGEINT AS quality,
    count(e.response_time_us) FILTER (e.ended)::BIGINT AS latency_n,
    coalesce(sum(e.response_time_us) FILTER (e.ended), 0)::HUGEINT AS latency,
    count(e.cost_nano_usd) FILTER (e.ended)::BIGINT AS cost_n,
    coalesce(sum(e.cost_nano_usd) FILTER (e.ended), 0)::HUGEINT AS cost,
    min(e.decided_at_us) FILTER (f.decision_id IS NOT NULL) AS first_us,
    max(p.ppb) AS promised_ppb
FROM exposed AS e
LEFT JOIN first AS f USING (decision_id)
LEFT JOIN promised AS p USING (decision_id)
GROUP BY ALL
ORDER BY e.stage, e.unit, e.treated
