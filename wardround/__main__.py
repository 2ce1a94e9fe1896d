"""``python -m wardround`` is the command."""

from wardround.cli import main

if __name__ == "__main__":
    main()
