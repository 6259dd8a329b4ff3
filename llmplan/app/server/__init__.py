"""The dashboard's server.

jsonschema, which Jupyter's libraries load, compiles a grammar of international resource names whenever it is
imported, to check a format that nothing here uses: four fifths of the server's start (13 of 15 seconds on one
slow machine). Where the grammar's package is "not there", jsonschema leaves that check out.
"""

import sys
from types import ModuleType
from typing import cast

sys.modules.setdefault("rfc3987_syntax", cast(ModuleType, None))
