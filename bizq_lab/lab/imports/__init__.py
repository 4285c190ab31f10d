"""Other gateways' logs as rows of ours: LiteLLM's spend logs, OpenTelemetry's GenAI spans, anything by a mapping."""
