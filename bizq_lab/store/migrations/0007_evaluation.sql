-- 0007_evaluation: what judges said of answers.

-- A judge scored an answer. Any number of rows per decision; names follow OpenTelemetry GenAI evaluation.
CREATE TABLE evaluation (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    decision_id VARCHAR,
    attempt_id VARCHAR,
    evaluation_name VARCHAR,
    evaluator VARCHAR,
    rubric_version VARCHAR,
    score_ppm BIGINT,
    score_label VARCHAR,
    explanation VARCHAR,
    judge_attempt_id VARCHAR,
    cost_nano_usd BIGINT
);
