-- lay_tombstone: that a workspace is forgotten, and which decisions were its own.
-- params:  salt, workspace_id, now_us
-- reads:   decision, task_outcome, of the file and its archive
INSERT INTO forgotten_workspace
SELECT sha256($salt || $workspace_id), $now_us
WHERE sha256($salt || $workspace_id) NOT IN (SELECT workspace_sha256 FROM forgotten_workspace);
INSERT INTO forgotten_decision
SELECT DISTINCT sha256($salt || decision_id)
FROM (
    SELECT decision_id FROM decision WHERE workspace_id = $workspace_id
    UNION ALL SELECT decision_id FROM task_outcome WHERE workspace_id = $workspace_id
)
WHERE decision_id IS NOT NULL
  AND sha256($salt || decision_id) NOT IN (SELECT decision_sha256 FROM forgotten_decision);
