"""``python -m daemon`` is ``passbackd``."""

from daemon.cli import main

if __name__ == "__main__":
    main()
