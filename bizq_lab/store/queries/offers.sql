-- offers: the kinds of task that were decided, and what could have been chosen for each.
-- grain:   one row per (task_type, design, offer)
-- reads:   task_outcome, decision_offer
-- columns: n decisions; pending without an outcome yet; unpropensed without a propensity; units that were assigned; context
--          (without its workspace), candidates and task_input of its first decision, any_unit one unit of it
-- params:  task_type, experiment (NULL: all), from_us, to_us (NULL: open), by_input (an offer is of one task's input),
--          by_unit (an offer is of one unit)
SELECT
    t.task_type, t.design,
    CASE
        WHEN $by_input OR $by_unit
        THEN md5(concat_ws('|', o.offer, CASE WHEN $by_input THEN o.task_input::VARCHAR END, CASE WHEN $by_unit THEN t.unit END))
        ELSE o.offer
    END AS offer,
    count(*)::BIGINT AS n,
    count(*) FILTER (t.status = 'pending')::BIGINT AS pending,
    count(*) FILTER (t.propensity_ppb IS NULL)::BIGINT AS unpropensed,
    count(DISTINCT t.unit)::BIGINT AS units,
    arg_min(o.context, (t.decided_at_us, t.decision_id)) AS context,
    arg_min(o.candidates, (t.decided_at_us, t.decision_id)) AS candidates,
    arg_min(o.task_input, (t.decided_at_us, t.decision_id)) AS task_input,
    min(t.unit) AS any_unit
FROM task_outcome AS t JOIN decision_offer AS o USING (decision_id)
WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
  AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
  AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
  AND t.status <> 'cancelled'
GROUP BY ALL
ORDER BY t.task_type, t.design, offer
