"""What every planned resource must be: rules as data, run by tests, `slipway check` and a policy pack."""
