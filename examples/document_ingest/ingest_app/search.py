"""Searches the index from the command line: `python -m ingest_app.search WORDS`."""

from __future__ import annotations

import sys

from ingest_app.index import NoIndexError
from ingest_app.services import create_services


def main() -> int:
    query = " ".join(sys.argv[1:])
    if not query:
        print("say what to search for: python -m ingest_app.search WORDS", file=sys.stderr)
        return 2
    try:
        hits = create_services().library.index("index.db").search(query, limit=10)
    except NoIndexError as error:
        print(error, file=sys.stderr)
        return 1
    for hit in hits:
        print(f"{hit.score:7.2f}  {hit.source}, page {hit.number}\n         {hit.excerpt}")
    if not hits:
        print("nothing was found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
