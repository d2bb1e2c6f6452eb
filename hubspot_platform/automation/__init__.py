"""What runs when, and who is told: schedules, sensors, alerts, maintenance."""
