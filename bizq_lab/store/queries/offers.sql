-- offers: the kinds of task that were decided, and what could have been chosen for each.
-- grain:   one row per (task_type, design, offer)
-- reads:   task_outcome, decision
-- columns: n decisions; pending without an outcome yet; unpropensed without a propensity;
--          context, candidates and task_input of its first decision, any_unit one unit of it
-- params:  task_type, experiment (NULL: all), from_us, to_us (NULL: open), by_input (an offer is of one task's input),
--          by_unit (an offer is of one unit)
--
-- An offer says the same of all its decisions but for the workspace, so what the first of them was offered is looked up:
-- by its time, for whole numbers compare faster than ids, and tell most of a long log apart from the place to look at.
-- The input costs a join, so only who asks for it pays, and once: elsewhere it is cheaper to read the table twice.
WITH asked AS ( -- if by_input
    SELECT decision_id, md5(task_input::VARCHAR) AS asked -- if by_input
    FROM decision -- if by_input
    QUALIFY row_number() OVER (PARTITION BY decision_id ORDER BY recorded_at_us, event_id) = 1 -- if by_input
), decided AS MATERIALIZED ( -- if by_input
WITH decided AS NOT MATERIALIZED ( -- unless by_input
    SELECT
        t.task_type, t.design,
        t.offer, -- unless by_input, unless by_unit
        md5(concat_ws('|', t.offer, a.asked)) AS offer, -- if by_input, unless by_unit
        md5(concat_ws('|', t.offer, t.unit)) AS offer, -- unless by_input, if by_unit
        md5(concat_ws('|', t.offer, a.asked, t.unit)) AS offer, -- if by_input, if by_unit
        t.status, t.propensity_ppb, t.decision_id, t.unit, t.decided_at_us
    FROM task_outcome AS t -- unless by_input
    FROM task_outcome AS t JOIN asked AS a USING (decision_id) -- if by_input
    WHERE ($task_type::VARCHAR IS NULL OR t.task_type = $task_type)
      AND ($experiment::VARCHAR IS NULL OR t.experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR t.decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR t.decided_at_us < $to_us)
      AND t.status <> 'cancelled'
), kinds AS (
    SELECT
        task_type, -- unless task_type
        design, offer,
        count(*)::BIGINT AS n,
        count(*) FILTER (status = 'pending')::BIGINT AS pending,
        count(*) FILTER (propensity_ppb IS NULL)::BIGINT AS unpropensed,
        min(decided_at_us) AS first_us
    FROM decided
    GROUP BY ALL
), firsts AS (
    SELECT
        k.task_type, -- unless task_type
        k.design, k.offer, k.n, k.pending, k.unpropensed, k.first_us,
        min(d.decision_id) AS first_decision,
        min(d.unit) AS any_unit
    FROM decided AS d
    JOIN kinds AS k
      ON d.decided_at_us = k.first_us
     AND d.offer IS NOT DISTINCT FROM k.offer
     AND d.design = k.design
     AND d.task_type = k.task_type -- unless task_type
    GROUP BY ALL
), shown AS (
    SELECT d.decision_id, d.context, d.candidates, d.task_input
    FROM decision AS d
    SEMI JOIN firsts AS f ON d.recorded_at_us = f.first_us AND d.decision_id = f.first_decision
    QUALIFY row_number() OVER (PARTITION BY d.decision_id ORDER BY d.recorded_at_us, d.event_id) = 1
)
SELECT
    $task_type AS task_type, -- if task_type
    f.task_type, -- unless task_type
    f.design, f.offer, f.n, f.pending, f.unpropensed,
    s.context, s.candidates, s.task_input, f.any_unit
FROM firsts AS f JOIN shown AS s ON s.decision_id = f.first_decision
ORDER BY task_type, f.design, f.offer
