-- purge_human_task: human tasks without old reasons and conclusions.
-- params:  before_us
SELECT * REPLACE (
    CASE WHEN recorded_at_us < $before_us THEN '' ELSE reason END AS reason,
    CASE WHEN recorded_at_us < $before_us THEN '' ELSE resolution END AS resolution
)
FROM earlier.human_task
