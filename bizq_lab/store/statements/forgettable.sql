-- forgettable: how many rows of a workspace each table has.
-- grain:   one row per place
-- params:  workspace_id
WITH theirs AS (
    SELECT decision_id FROM decision WHERE workspace_id = $workspace_id
    UNION SELECT decision_id FROM task_outcome WHERE workspace_id = $workspace_id
)
SELECT 'decision' AS place, count(*) AS found FROM decision WHERE workspace_id = $workspace_id
UNION ALL SELECT 'attempt_started', count(*) FROM attempt_started SEMI JOIN theirs USING (decision_id)
UNION ALL SELECT 'attempt', count(*) FROM attempt SEMI JOIN theirs USING (decision_id)
UNION ALL SELECT 'outcome', count(*) FROM outcome SEMI JOIN theirs USING (decision_id)
UNION ALL SELECT 'task_outcome', count(*) FROM task_outcome WHERE workspace_id = $workspace_id
UNION ALL SELECT 'feedback', count(*) FROM feedback SEMI JOIN theirs USING (decision_id)
UNION ALL SELECT 'evaluation', count(*) FROM evaluation SEMI JOIN theirs USING (decision_id)
UNION ALL SELECT 'human_task', count(*) FROM human_task SEMI JOIN theirs USING (decision_id);
