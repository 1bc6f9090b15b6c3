"""What a transfer is told, what it makes of what it sees, and what it tells: everything but the carrying itself."""
