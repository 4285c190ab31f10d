-- staged_span: the time span of the staged rows of one kind, and whether each has a time and an id of its own.
SELECT
    min(recorded_at_us), max(recorded_at_us),
    count(*) = count(recorded_at_us) AND count(*) = count(DISTINCT event_id)
FROM staged___kind__;
