-- purgeable: how many texts a purge would take, by where they are.
-- grain:   one row per place
-- reads:   decision, attempt, feedback, human_task, evaluation, quarantine
-- columns: texts counts rows that hold some
-- params:  before_us UTC microseconds
SELECT 'task inputs' AS place, count(*) AS texts
FROM decision WHERE recorded_at_us < $before_us AND task_input IS NOT NULL AND task_input::VARCHAR <> 'null'
UNION ALL
SELECT 'model outputs', count(*)
FROM attempt
WHERE recorded_at_us < $before_us
  AND (output IS NOT NULL OR error_message <> '' OR regexp_matches(checks::VARCHAR, '"detail":\s*"[^"]'))
UNION ALL
SELECT 'comments', count(*) FROM feedback WHERE recorded_at_us < $before_us AND comment <> ''
UNION ALL
SELECT 'human tasks', count(*) FROM human_task WHERE recorded_at_us < $before_us AND (reason <> '' OR resolution <> '')
UNION ALL
SELECT 'verdicts', count(*) FROM evaluation WHERE recorded_at_us < $before_us AND explanation <> ''
UNION ALL
SELECT 'quarantined lines', count(*) FROM quarantine WHERE octet_length(line) > 0
