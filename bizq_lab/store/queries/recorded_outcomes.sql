-- recorded_outcomes: what each task's first call returned, in the form that `replay` reads.
-- grain:   one row per (task_type, task_key, arm, repeat)
-- reads:   decision, attempt
SELECT d.task_type, d.task_key, d.arm, a.model, d.repeat, a.output, a.finish_reason,
       a.response_model AS served_model, a.input_tokens, a.output_tokens,
       a.response_time_us, a.time_to_first_chunk_us, a.core_us, d.prompt_version,
       -- An answer that we rejected is an answer: whoever replays it judges it anew.
       CASE WHEN a.status IN ('completed', 'rejected') THEN '' ELSE a.error_type END AS error_type
FROM decision AS d
JOIN attempt AS a ON a.decision_id = d.decision_id AND a.ordinal = 1 AND a.purpose = 'task'
WHERE d.design = 'paired'
ORDER BY d.task_type, d.task_key, d.arm, d.repeat;
