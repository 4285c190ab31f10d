-- arm_specs: what each arm of the log is: its model and prompt variant.
-- grain:   one row per arm
-- reads:   decision
-- columns: specs counts how many different (model, prompt) the arm was; only 1 can be routed to
SELECT arm, min(model) AS model, min(prompt) AS prompt, count(DISTINCT (model, prompt))::BIGINT AS specs
FROM decision
WHERE arm <> 'default'
GROUP BY arm
ORDER BY arm
