"""What leaves is signed and marked; what came from here is told."""
