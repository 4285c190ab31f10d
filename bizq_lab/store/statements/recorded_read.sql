-- recorded_read: in the order in which repeats are counted.
SELECT
    task_type, task_key, arm, model, repeat, output, finish_reason, served_model, input_tokens, output_tokens,
    response_time_us, time_to_first_chunk_us, core_us, error_type
FROM recorded
ORDER BY task_type, task_key, arm, model, repeat;
