"""What an Open edX site holds of its LTI consumers and learners, brought over."""
