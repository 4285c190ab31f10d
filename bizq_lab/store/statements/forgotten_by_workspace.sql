-- forgotten_by_workspace: a condition: this row is of a workspace that was forgotten. NULL where nobody knows.
-- params:  salt
sha256($salt || workspace_id) IN (SELECT workspace_sha256 FROM __tombs__forgotten_workspace)
