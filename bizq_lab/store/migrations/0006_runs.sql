-- 0006_runs: bulk runs, and which decisions are their rows.

ALTER TABLE decision ADD COLUMN run_id VARCHAR;
ALTER TABLE decision ADD COLUMN run_row BIGINT;
ALTER TABLE decision ADD COLUMN run_try BIGINT;

-- A bulk run began, went on, or ended. One row per step.
CREATE TABLE run (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    run_id VARCHAR,
    status VARCHAR,
    planned_rows BIGINT,
    tasks_sha256 VARCHAR,
    reason VARCHAR,
    max_cost_nano_usd BIGINT
);
