"""Settings → text. Pure: no Pulumi, no secret values, no clock; products are parsed back before use."""
