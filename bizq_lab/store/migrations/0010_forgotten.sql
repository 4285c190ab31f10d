-- 0010_forgotten: whose rows are gone for good, so that nothing of theirs that is collected later comes back.
-- Hashes alone, over this log's own random salt: no name and no id of anything forgotten stays in the file.

CREATE TABLE forgetting_salt (salt VARCHAR NOT NULL);

CREATE TABLE forgotten_workspace (workspace_sha256 VARCHAR NOT NULL, forgotten_at_us BIGINT NOT NULL);

CREATE TABLE forgotten_decision (decision_sha256 VARCHAR NOT NULL);
