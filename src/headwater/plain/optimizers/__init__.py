"""How weights move: clipping and penalties, update rules, step-size schedules, and a step taken back."""
