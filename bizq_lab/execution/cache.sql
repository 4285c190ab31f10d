-- The response cache: statements by name, for SQLite. The request is kept as its hash alone.

-- name: schema
CREATE TABLE IF NOT EXISTS response (
    request_sha256 TEXT NOT NULL PRIMARY KEY,
    workspace_id TEXT NOT NULL,
    stored_at_us INTEGER NOT NULL,
    reply TEXT NOT NULL
) WITHOUT ROWID;

-- name: get
SELECT reply FROM response WHERE request_sha256 = :request_sha256;

-- name: put
INSERT INTO response VALUES (:request_sha256, :workspace_id, :stored_at_us, :reply)
ON CONFLICT (request_sha256) DO UPDATE SET stored_at_us = excluded.stored_at_us, reply = excluded.reply;

-- name: count
SELECT count(*) FROM response
WHERE (:workspace_id IS NULL OR workspace_id = :workspace_id) AND (:before_us IS NULL OR stored_at_us < :before_us);

-- name: remove
DELETE FROM response
WHERE (:workspace_id IS NULL OR workspace_id = :workspace_id) AND (:before_us IS NULL OR stored_at_us < :before_us);
