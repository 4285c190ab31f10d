-- staged_span: the time span of the staged rows of one kind.
SELECT min(recorded_at_us), max(recorded_at_us) FROM staged___kind__;
