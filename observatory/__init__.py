"""What all nodes together saw of DIDs: observations, alarms at key changes, heads of logs, purges."""
