"""What the dialer says: prompts from files, scripts with slots, spoken numbers and dates, text to speech."""
