-- is_forgotten: whether a workspace is among those that were forgotten.
-- params:  salt, workspace_id
SELECT count(*) > 0 FROM forgotten_workspace WHERE workspace_sha256 = sha256($salt || $workspace_id);
