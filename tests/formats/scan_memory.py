"""Read scans in a process of its own with a limit on its memory: ``python scan_memory.py LIMIT_MB FILE ...``.

Prints a JSON line for each file: its shape, or the one line of the error. The limit is above what the imports
map already.
"""

import json
import resource
import sys
from pathlib import Path

from beltline.core import BadInputError
from beltline.formats import decode_scan, encode_png, encode_tiff, read_scan


def main(limit_mb, paths):
    """Read each file under the limit."""
    import numpy as np

    decode_scan(encode_png(np.zeros((9, 9, 3), np.uint16)))  # libraries that load when first used
    decode_scan(encode_tiff(np.zeros((9, 9)), np.zeros((9, 9))))
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + limit_mb * 1_000_000,) * 2)
    for path in paths:
        try:
            found = {"shape": read_scan(path).pixels.shape}
        except BadInputError as error:
            found = {"refused": str(error)}
        except MemoryError:
            found = {"memory": True}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
