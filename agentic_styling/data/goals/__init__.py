"""Goals: what people ask for, and what they mean by it."""
