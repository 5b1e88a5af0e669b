"""What goes on at the site: learners at work, and the platform's own passing of grades."""
