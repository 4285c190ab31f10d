-- served_ids: every id that a provider said it served, by the model that was asked, with when it was seen.
-- grain:   one row per (model, request_model, response_model)
-- reads:   attempt
-- columns: first_us, last_us UTC microseconds; n answers
-- params:  to_us
SELECT
    model, request_model, response_model,
    min(recorded_at_us) AS first_us,
    max(recorded_at_us) AS last_us,
    count(*)::BIGINT AS n
FROM attempt
WHERE response_model <> '' AND recorded_at_us <= $to_us
GROUP BY ALL
ORDER BY model, first_us, request_model, response_model
