"""What supervisors look at: figures with their definitions, the floor, alarms, and a day rehearsed before it comes."""
