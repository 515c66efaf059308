"""What an auditor asks of the registry, and alarms before a date passes."""
