-- past_events: one kind of event as it was known before an instant, under its own name.
CREATE OR REPLACE TEMP VIEW __kind__ AS
SELECT * FROM __source__ WHERE recorded_at_us < __before_us__;
