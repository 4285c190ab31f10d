-- health: a log's own figures in one row.
-- reads:   schema_migration, task_outcome, decision, outcome, attempt_started, attempt, quarantine
SELECT
    (SELECT max(version) FROM schema_migration) AS schema_version,
    (SELECT count(*) FROM task_outcome) AS decisions,
    (SELECT count(*) FROM task_outcome WHERE status = 'pending') AS pending,
    (SELECT count(DISTINCT attempt_id) FROM attempt_started ANTI JOIN attempt USING (attempt_id)) AS unknown_attempts,
    (SELECT count(*) FROM quarantine) AS quarantined,
    coalesce(greatest(
        (SELECT max(recorded_at_us) FROM decision), (SELECT max(recorded_at_us) FROM attempt_started),
        (SELECT max(recorded_at_us) FROM attempt), (SELECT max(recorded_at_us) FROM outcome)
    ), 0) AS newest_at_us,
    (SELECT count(DISTINCT decision_id) FROM decision) - (SELECT count(*) FROM task_outcome) AS outcomes_missing;
