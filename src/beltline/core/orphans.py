"""Helping processes that end with the one they help, also where that one is killed."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Called in a process of `multiprocessing`: from now on it ends when its parent does.

    A process that waits at a queue would wait for ever: it holds the other end of the queue itself.

    Raises:
        RuntimeError: In a process that is nobody's helper.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("end_with_parent is for processes that multiprocessing started, this is none")

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="orphans", daemon=True).start()
