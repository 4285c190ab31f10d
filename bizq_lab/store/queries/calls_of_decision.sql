-- calls_of_decision: the calls that served a decision, in order, those of judges left out.
-- grain:   one row per attempt_id
-- reads:   attempt
-- columns: as in attempt
-- params:  decision_id
SELECT
    attempt_id, model, status, error_type, input_tokens, output_tokens, response_time_us, time_to_first_chunk_us, checks
FROM attempt
WHERE decision_id = $decision_id AND purpose = 'task'
ORDER BY ordinal, attempt_id
