-- run_rows: how far each row of a bulk run has come, by its latest try.
-- grain:   one row per run_row
-- reads:   decision, task_outcome, attempt_started, attempt, human_task
-- columns: run_row, tries counted from 0 and 1; status as in task_outcome; calls without those of judges (whose ordinals
--          begin at 1000); booked_nano_usd billionths of a dollar over all calls, one whose end nobody saw at its worst; uncertain counts calls that may have been acted upon
--          although nobody saw their answer; answered whether one was accepted; output that answer, where payloads are kept; cached whether
--          it came from the response cache; human_status the state of the human task it escalated to
-- params:  run_id
WITH latest AS (
    SELECT run_row, run_try, decision_id, task_id, model, recorded_at_us, count(*) OVER (PARTITION BY run_row) AS tries
    FROM decision
    WHERE run_id = $run_id
    QUALIFY row_number() OVER (PARTITION BY run_row ORDER BY run_try DESC) = 1
), began AS (
    SELECT attempt_id, decision_id, ordinal, worst_case_nano_usd
    FROM attempt_started SEMI JOIN latest USING (decision_id)
), ended AS (
    SELECT * FROM attempt SEMI JOIN latest USING (decision_id)
), met AS (
    SELECT
        coalesce(e.decision_id, b.decision_id) AS decision_id,
        coalesce(e.purpose, CASE WHEN b.ordinal < 1000 THEN 'task' ELSE 'judge' END) = 'task' AS serves,
        e.attempt_id IS NULL AS unseen,
        CASE WHEN e.attempt_id IS NULL THEN b.worst_case_nano_usd ELSE e.cost_nano_usd END AS nano_usd,
        e.ordinal, e.status, e.output, e.flags, e.maybe_billed
    FROM began AS b FULL JOIN ended AS e USING (attempt_id)
), calls AS (
    SELECT
        decision_id,
        count(*) FILTER (serves) AS calls,
        coalesce(sum(nano_usd), 0)::BIGINT AS booked_nano_usd,
        count(*) FILTER (serves AND (unseen OR maybe_billed))::BIGINT AS uncertain,
        coalesce(bool_or(serves AND status = 'completed'), FALSE) AS answered,
        arg_max(output, ordinal) FILTER (serves AND status = 'completed') AS output,
        coalesce(bool_or(list_contains(flags, 'cached')) FILTER (serves), FALSE) AS cached
    FROM met
    GROUP BY ALL
), people AS (
    SELECT human_task_id, arg_max(status, (recorded_at_us, event_id)) AS human_status
    FROM human_task
    GROUP BY ALL
)
SELECT
    l.run_row, l.tries, l.decision_id, l.task_id, l.model, t.status, t.error_type, t.served_model, t.cost_nano_usd,
    t.response_time_us, t.quality_ppm, t.human_task_id,
    coalesce(c.calls, 0) AS calls,
    coalesce(c.booked_nano_usd, 0) AS booked_nano_usd,
    coalesce(c.uncertain, 0) AS uncertain,
    coalesce(c.answered, FALSE) AS answered,
    coalesce(c.output, '') AS output,
    coalesce(c.cached, FALSE) AS cached,
    p.human_status
FROM latest AS l
LEFT JOIN task_outcome AS t USING (decision_id)
LEFT JOIN calls AS c USING (decision_id)
LEFT JOIN people AS p USING (human_task_id)
ORDER BY l.run_row
