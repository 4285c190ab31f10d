-- workspace_volumes: how many tasks of each type each workspace asked for.
-- grain:   one row per (task_type, workspace_id)
-- reads:   task_outcome
-- columns: n decisions; paired experiments are left out, whose plan asked for them
-- params:  from_us, to_us (NULL: open)
SELECT task_type, workspace_id, count(*)::BIGINT AS n
FROM task_outcome
WHERE design <> 'paired'
  AND ($from_us::BIGINT IS NULL OR decided_at_us >= $from_us)
  AND ($to_us::BIGINT IS NULL OR decided_at_us < $to_us)
GROUP BY ALL
ORDER BY ALL
