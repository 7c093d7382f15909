"""`python -m coconet`: the command `coconet`, when its script is not on the PATH."""

from coconet.commands.__main__ import main

if __name__ == "__main__":
    main()
