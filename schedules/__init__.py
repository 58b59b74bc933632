"""When a call may be made: zones, calling windows, work calendars and the next allowed instant. Pure; stands alone.

Instants are aware datetimes (any zone in, UTC out); doubt refuses: an unknown zone or a day the calendar does not hold
never counts as open.
"""
