"""What ``icard bench`` measures."""
