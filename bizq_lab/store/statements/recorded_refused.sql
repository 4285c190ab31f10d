-- recorded_refused: rows that cannot be a call that was made, with the reason.
SELECT task_type, task_key, arm, repeat, 'a column is NULL' AS reason
FROM recorded
WHERE task_type IS NULL OR task_key IS NULL OR arm IS NULL OR model IS NULL OR repeat IS NULL OR output IS NULL
   OR finish_reason IS NULL OR served_model IS NULL OR input_tokens IS NULL OR output_tokens IS NULL
   OR response_time_us IS NULL OR core_us IS NULL OR error_type IS NULL
UNION ALL
SELECT task_type, task_key, arm, repeat, 'a number is negative'
FROM recorded
WHERE least(repeat, input_tokens, output_tokens, response_time_us, core_us, coalesce(time_to_first_chunk_us, 0)) < 0
UNION ALL
SELECT task_type, task_key, arm, repeat, 'recorded twice'
FROM recorded
GROUP BY task_type, task_key, arm, model, repeat
HAVING count(*) > 1
ORDER BY ALL;
