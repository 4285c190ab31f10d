-- purge_attempt: attempts without old answers, and without what errors and checks quote of them.
-- params:  before_us
SELECT * REPLACE (
    CASE WHEN recorded_at_us < $before_us THEN NULL ELSE output END AS output,
    CASE WHEN recorded_at_us < $before_us THEN '' ELSE error_message END AS error_message,
    CASE
        WHEN recorded_at_us < $before_us
        THEN to_json(list_transform(
            from_json(checks, '[{"name": "VARCHAR", "passed": "BOOLEAN", "severity": "VARCHAR"}]'),
            lambda one: struct_pack(name := one.name, passed := one.passed, severity := one.severity, detail := '')
        ))
        ELSE checks
    END AS checks
)
FROM earlier.attempt
