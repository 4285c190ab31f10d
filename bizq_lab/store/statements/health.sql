-- health: a log's own figures in one row.
-- reads:   schema_migration, task_outcome, attempt_started, attempt, quarantine
SELECT
    (SELECT max(version) FROM schema_migration) AS schema_version,
    (SELECT count(*) FROM task_outcome) AS decisions,
    (SELECT count(*) FROM task_outcome WHERE status = 'pending') AS pending,
    (SELECT count(DISTINCT attempt_id) FROM attempt_started ANTI JOIN attempt USING (attempt_id)) AS unknown_attempts,
    (SELECT count(*) FROM quarantine) AS quarantined;
