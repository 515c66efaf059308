"""
A rival: our service with a commit for each write, however many wait. `python -m benchmarks.single_commits serve`.
"""

from server.commands.cli import main
from storage.sqlite import SqliteDatabase

if __name__ == "__main__":
    # The processes of a node are forked from this one, so that all of them have it.
    SqliteDatabase.__init__.__kwdefaults__["max_batch"] = 1
    main()
