"""What the case system is told, and how it gets there: payloads, signatures, delivery from the outbox."""
