-- 0005_experiment_looks: what was seen at each look at a running experiment, with intervals that hold at all looks.

CREATE TABLE experiment_look (
    event_id VARCHAR NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    experiment VARCHAR,
    look BIGINT,
    as_of_us BIGINT,
    arm VARCHAR,
    control VARCHAR,
    metric VARCHAR,
    n_arm BIGINT,
    n_control BIGINT,
    value DOUBLE,
    lower DOUBLE,
    upper DOUBLE,
    level DOUBLE,
    unit VARCHAR,
    p_value DOUBLE,
    method VARCHAR,
    sample_ratio_p DOUBLE,
    spent_nano_usd BIGINT,
    stop VARCHAR,
    verdict VARCHAR,
    winner VARCHAR,
    reason VARCHAR,
    detail JSON
);
