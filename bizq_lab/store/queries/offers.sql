-- offers: the kinds of task that were decided, and what could have been chosen for each.
-- grain:   one row per (task_type, design, offer)
-- reads:   task_outcome, decision
-- columns: n decisions; pending without an outcome yet; unpropensed without a propensity;
--          context, candidates and task_input of its first decision, any_unit one unit of it
-- params:  task_type, experiment (NULL: all), from_us, to_us (NULL: open), by_input (an offer is of one task's input),
--          by_unit (an offer is of one unit)
--
-- An offer says the same of all its decisions but for the workspace, so what one of them was offered is looked up.
-- The input costs a join, so only who asks for it pays.
WITH asked AS ( -- if by_input
    SELECT decision_id, md5(task_input::VARCHAR) AS asked -- if by_input
    FROM decision -- if by_input
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1 -- if by_input
), kinds AS ( -- if by_input
WITH kinds AS ( -- unless by_input
    SELECT
        t.task_type, -- unless task_type
        t.design,
        t.offer, -- unless by_input, unless by_unit
        md5(concat_ws('|', t.offer, a.asked)) AS offer, -- if by_input, unless by_unit
        md5(concat_ws('|', t.offer, t.unit)) AS offer, -- unless by_input, if by_unit
        md5(concat_ws('|', t.offer, a.asked, t.unit)) AS offer, -- if by_input, if by_unit
        count(*)::BIGINT AS n,
        count(*) FILTER (t.status = 'pending')::BIGINT AS pending,
        count(*) FILTER (t.propensity_ppb IS NULL)::BIGINT AS unpropensed,
        min(t.decision_id) AS any_decision,
        min(t.unit) AS any_unit
    FROM task_outcome AS t -- unless by_input
    FROM task_outcome AS t JOIN asked AS a USING (decision_id) -- if by_input
    WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
      AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
      AND t.status <> 'cancelled'
    GROUP BY ALL
), shown AS (
    SELECT decision_id, context, candidates, task_input
    FROM decision SEMI JOIN (SELECT any_decision AS decision_id FROM kinds) USING (decision_id)
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1
)
SELECT
    $task_type AS task_type, -- if task_type
    k.task_type, -- unless task_type
    k.design, k.offer, k.n, k.pending, k.unpropensed,
    s.context, s.candidates, s.task_input, k.any_unit
FROM kinds AS k JOIN shown AS s ON s.decision_id = k.any_decision
ORDER BY task_type, k.design, k.offer
