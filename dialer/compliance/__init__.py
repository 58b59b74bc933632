"""The gate: policy packs as dated data, and one pure function that says whether a number may be called now."""
