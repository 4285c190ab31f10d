-- durations: how long outcomes took, counted in bins of whole microseconds.
-- grain:   one row per (task_type, arm, model, workspace_id, day, bin_us); a key that was not asked for is not there
-- reads:   task_outcome
-- columns: bin_us is the lower edge of the bin; n outcomes in it, unanswered those of them that ended because
--          time ran out: the answer would have taken longer
-- params:  task_type, workspace_id, experiment (NULL: all), from_us, to_us (NULL: open), design (NULL: all),
--          by_arm, by_model, by_workspace, by_day, served, by_rules, coded, task_types, arms, models (as in cells.sql)
--
-- A bin is a number of microseconds without its last bits: 32 us wide below 8,192 us, from there on at most 1/128 of what
-- is in it. Integers only: every engine bins alike (`stats.histogram` says it in Python).
-- The inner bins lie within those: three branches a row are cheaper than six, and so are no keys but those asked for.
WITH fine AS (
    SELECT
        task_type, -- unless task_type, unless coded
        array_position($task_types, task_type) AS task_type, -- unless task_type, if coded
        arm, -- if by_arm, unless coded
        array_position($arms, arm) AS arm, -- if by_arm, if coded
        model AS assigned, -- if by_arm, if by_rules
        model, -- if by_model, unless served, unless coded
        coalesce(nullif(served_model, ''), model) AS model, -- if by_model, if served
        array_position($models, model) AS model, -- if by_model, unless served, if coded
        workspace_id, -- if by_workspace
        strftime(make_timestamp(decided_at_us), '%Y-%m-%d') AS day, -- if by_day
        response_time_us & CASE
            WHEN response_time_us >= 2097152 THEN -16384
            WHEN response_time_us >= 131072 THEN -1024
            ELSE -32
        END AS fine_us,
        count(*) AS n,
        coalesce(count_if(timed_out AND NOT succeeded), 0) AS unanswered
    FROM task_outcome
    WHERE ($task_type::VARCHAR IS NULL OR task_type = $task_type)
      AND ($workspace_id::VARCHAR IS NULL OR workspace_id = $workspace_id)
      AND ($experiment::VARCHAR IS NULL OR experiment = $experiment)
      AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
      AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
      AND ($design::VARCHAR IS NULL OR design = $design)
      AND status <> 'cancelled'
      AND response_time_us IS NOT NULL
    GROUP BY ALL
)
SELECT
    task_type, -- unless task_type, unless coded
    CAST(coalesce(task_type, 0) AS BIGINT) AS task_type, -- unless task_type, if coded
    CASE WHEN arm = 'default' AND assigned <> '' THEN assigned ELSE arm END AS arm, -- if by_arm, if by_rules
    arm, -- if by_arm, unless by_rules, unless coded
    CAST(coalesce(arm, 0) AS BIGINT) AS arm, -- if by_arm, unless by_rules, if coded
    model, -- if by_model, unless coded
    CAST(coalesce(model, 0) AS BIGINT) AS model, -- if by_model, if coded
    workspace_id, -- if by_workspace
    day, -- if by_day
    fine_us & CASE
        WHEN fine_us < 8192 THEN -32
        WHEN fine_us < 131072 THEN -64
        WHEN fine_us < 2097152 THEN -1024
        WHEN fine_us < 33554432 THEN -16384
        WHEN fine_us < 536870912 THEN -262144
        ELSE -4194304
    END AS bin_us,
    CAST(sum(n) AS BIGINT) AS n,
    CAST(sum(unanswered) AS BIGINT) AS unanswered
FROM fine
GROUP BY ALL
ORDER BY ALL
