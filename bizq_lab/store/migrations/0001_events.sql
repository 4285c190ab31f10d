-- 0001_events: the tables of the first schema. Events are only ever appended; one table a kind, one column a field.
-- Times are UTC microseconds since the epoch. _us microseconds, _nano_usd billionths of a dollar, _ppm millionths,
-- _ppb billionths.

CREATE TABLE schema_migration (
    version INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    applied_at_us BIGINT NOT NULL
);

-- Which views are installed, so that a newer release replaces them without a migration.
CREATE TABLE schema_view (digest VARCHAR NOT NULL);

-- How far each journal segment has been collected: committed together with its rows, hence exactly once.
CREATE TABLE collected_segment (
    segment VARCHAR NOT NULL,
    collected_bytes BIGINT NOT NULL,
    events BIGINT NOT NULL,
    quarantined BIGINT NOT NULL
);

-- Lines that are no sound event, byte for byte, with the reason. Nothing is skipped silently.
CREATE TABLE quarantine (
    segment VARCHAR NOT NULL,
    byte_offset BIGINT NOT NULL,
    reason VARCHAR NOT NULL,
    line BLOB NOT NULL
);

-- Routing decided. One row per decision.
CREATE TABLE decision (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    decision_id VARCHAR,
    task_id VARCHAR,
    task_key VARCHAR,
    task_type VARCHAR,
    base_source VARCHAR,
    workspace_id VARCHAR,
    unit VARCHAR,
    segment VARCHAR,
    arm VARCHAR,
    model VARCHAR,
    provider VARCHAR,
    policy VARCHAR,
    design VARCHAR,
    experiment VARCHAR,
    stage VARCHAR,
    repeat BIGINT,
    propensity_ppb BIGINT,
    config_hash VARCHAR,
    catalog_version VARCHAR,
    snapshot_id VARCHAR,
    seed BIGINT,
    prompt VARCHAR,
    prompt_version VARCHAR,
    temperature DOUBLE,
    max_tokens BIGINT,
    estimated_cost_nano_usd BIGINT,
    estimated_high_nano_usd BIGINT,
    flags VARCHAR[],
    reasons JSON,
    candidates JSON,
    context JSON,
    task_input JSON,
    origin VARCHAR
);

-- A call is about to be sent. Written before the first byte, so that no call goes unbooked (N1).
CREATE TABLE attempt_started (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    attempt_id VARCHAR,
    decision_id VARCHAR,
    ordinal BIGINT,
    model VARCHAR,
    provider VARCHAR,
    worst_case_nano_usd BIGINT
);

-- A call ended, however it ended. One row per attempt; column names follow OpenTelemetry GenAI.
CREATE TABLE attempt (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    attempt_id VARCHAR,
    decision_id VARCHAR,
    ordinal BIGINT,
    model VARCHAR,
    provider VARCHAR,
    purpose VARCHAR,
    status VARCHAR,
    error_type VARCHAR,
    error_message VARCHAR,
    http_status BIGINT,
    request_model VARCHAR,
    response_model VARCHAR,
    response_id VARCHAR,
    finish_reason VARCHAR,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_input_tokens BIGINT,
    reasoning_output_tokens BIGINT,
    usage_estimated BOOLEAN,
    request_temperature DOUBLE,
    sent_temperature DOUBLE,
    request_max_tokens BIGINT,
    response_time_us BIGINT,
    time_to_first_chunk_us BIGINT,
    core_us BIGINT,
    cost_nano_usd BIGINT,
    maybe_billed BOOLEAN,
    input_nano_usd_per_mtok BIGINT,
    output_nano_usd_per_mtok BIGINT,
    core_second_nano_usd BIGINT,
    price_version VARCHAR,
    flags VARCHAR[],
    checks JSON,
    output VARCHAR,
    output_sha256 VARCHAR
);

-- What became of a decision, charged to the assigned arm. One row per decision (S21, S24).
CREATE TABLE outcome (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    decision_id VARCHAR,
    status VARCHAR,
    succeeded BOOLEAN,
    served_model VARCHAR,
    attempts BIGINT,
    failed_over BOOLEAN,
    timed_out BOOLEAN,
    error_type VARCHAR,
    response_time_us BIGINT,
    time_to_first_chunk_us BIGINT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_nano_usd BIGINT,
    quality_ppm BIGINT,
    quality_source VARCHAR,
    human_task_id VARCHAR
);

-- A person rated a result. Any number of rows per decision, days later if need be.
CREATE TABLE feedback (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    decision_id VARCHAR,
    task_id VARCHAR,
    rating_ppm BIGINT,
    comment VARCHAR,
    rater VARCHAR,
    source VARCHAR
);

-- A human task was opened or changed state. One row per transition; the last one counts.
CREATE TABLE human_task (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    human_task_id VARCHAR,
    decision_id VARCHAR,
    status VARCHAR,
    priority VARCHAR,
    reason VARCHAR,
    estimated_minutes BIGINT,
    cost_rate_nano_usd_per_hour BIGINT,
    cost_nano_usd BIGINT,
    due_at_us BIGINT,
    worker VARCHAR,
    minutes_spent BIGINT,
    resolution VARCHAR,
    succeeded BOOLEAN
);

-- Something degraded. One row per alert raised.
CREATE TABLE alert (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    alert_type VARCHAR,
    task_type VARCHAR,
    model VARCHAR,
    metric VARCHAR,
    current_value DOUBLE,
    baseline_value DOUBLE,
    threshold DOUBLE,
    n_current BIGINT,
    n_baseline BIGINT,
    p_value DOUBLE,
    message VARCHAR
);

-- An experiment was planned or changed state. One row per transition; the plan is pre-registered.
CREATE TABLE experiment (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    experiment VARCHAR,
    status VARCHAR,
    task_type VARCHAR,
    arms JSON,
    design VARCHAR,
    primary_metric VARCHAR,
    direction VARCHAR,
    margin DOUBLE,
    alpha DOUBLE,
    planned_n_per_arm BIGINT,
    planned_cost_nano_usd BIGINT,
    salt VARCHAR,
    plan JSON
);

-- A routing config was published, ramped or rolled back. One row per step.
CREATE TABLE config_version (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    config_hash VARCHAR,
    parent_hash VARCHAR,
    action VARCHAR,
    purpose VARCHAR,
    author VARCHAR,
    override VARCHAR,
    document JSON
);

-- What became of each decision, charged to the assigned arm. Kept up to date by every collection, in its transaction;
-- it can be rebuilt from the events at any time.
CREATE TABLE task_outcome (
    decision_id VARCHAR NOT NULL,
    task_id VARCHAR,
    task_key VARCHAR,
    task_type VARCHAR,
    workspace_id VARCHAR,
    unit VARCHAR,
    segment VARCHAR,
    arm VARCHAR,
    model VARCHAR,
    provider VARCHAR,
    policy VARCHAR,
    design VARCHAR,
    experiment VARCHAR,
    stage VARCHAR,
    repeat INTEGER,
    propensity_ppb BIGINT,
    config_hash VARCHAR,
    catalog_version VARCHAR,
    prompt_version VARCHAR,
    origin VARCHAR,
    decided_at_us BIGINT,
    status VARCHAR NOT NULL,
    succeeded BOOLEAN,
    served_model VARCHAR,
    attempts INTEGER,
    failed_over BOOLEAN,
    timed_out BOOLEAN,
    error_type VARCHAR,
    response_time_us BIGINT,
    time_to_first_chunk_us BIGINT,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cost_nano_usd BIGINT,
    quality_ppm BIGINT,
    quality_source VARCHAR,
    rating_ppm BIGINT,
    ratings INTEGER NOT NULL,
    human_task_id VARCHAR,
    finished_at_us BIGINT,
    feedback_at_us BIGINT
);
