-- forgettable_texts: the longest texts of a workspace that no row of another one has, and ids of its decisions, to
-- search files for.
-- params:  workspace_id
WITH said AS (
    SELECT decision_id, task_input::VARCHAR AS text FROM decision
    UNION ALL SELECT decision_id, output FROM attempt
    UNION ALL SELECT decision_id, error_message FROM attempt
    UNION ALL SELECT decision_id, comment FROM feedback
    UNION ALL SELECT decision_id, explanation FROM evaluation
    UNION ALL SELECT decision_id, resolution FROM human_task
), theirs AS (SELECT DISTINCT decision_id FROM decision WHERE workspace_id = $workspace_id)
(
    SELECT text
    FROM (
        SELECT text FROM said SEMI JOIN theirs USING (decision_id) WHERE length(text) >= 10
        EXCEPT SELECT text FROM said ANTI JOIN theirs USING (decision_id)
    )
    ORDER BY length(text) DESC, text
    LIMIT 20
)
UNION ALL
(SELECT decision_id FROM theirs ORDER BY decision_id LIMIT 20);
