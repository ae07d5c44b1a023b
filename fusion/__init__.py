"""What did the customer say, show and mean? Bytes in, a `Fused` understanding out."""
