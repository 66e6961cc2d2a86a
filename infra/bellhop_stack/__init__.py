"""Putting Bellhop into a cloud, changing it there, and taking it away: AWS, and whatever answers as AWS does."""
