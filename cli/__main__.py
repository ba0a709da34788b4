"""`python -m cli`: the command `cloud-runner`."""

from cli.main import main

if __name__ == "__main__":
    main()
