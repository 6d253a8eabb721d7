"""The numbers: how much happened in which minute of which room. Reads rooms, and is read by pages only."""
