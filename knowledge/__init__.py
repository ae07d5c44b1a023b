"""What does the shop know? Documents in, ranked `Hit`s out."""
