"""What answers, and what is heard before the answer: pure, streaming classification of 20 ms frames of call audio."""
