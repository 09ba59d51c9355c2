"""The sentences of licenses by which they are recognised, wrapped and decorated as they are in the wild."""

MIT = """The MIT License (MIT)

Copyright (c) 2020 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction.

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.
"""

MIT_0 = MIT.replace("The above copyright notice", "").replace("shall be included in all", "")

BSD_2 = """Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:
1. Redistributions of source code must retain the above copyright notice.
2. Redistributions in binary form must reproduce the above copyright notice.
"""

BSD_3 = BSD_2 + "3. Neither the name of the copyright holder nor the names of its contributors may be used.\n"

BSD_4 = BSD_3 + "4. All advertising materials mentioning features or use must display this acknowledgement.\n"

ISC = """Permission to use, copy, modify, and/or distribute this software for any purpose with or
without fee is hereby granted, provided that the above copyright notice appear in all copies."""

ZERO_BSD = """Permission to use, copy, modify, and/or distribute this software for any purpose with or
without fee is hereby granted."""

HPND = """Permission to use, copy, modify, and distribute this software and its documentation for any
purpose and without fee is hereby granted, provided that the above copyright notice appear in all copies."""

ZLIB = """This software is provided 'as-is', without any express or implied warranty.
1. The origin of this software must not be misrepresented."""

APACHE = """                                 Apache License
                           Version 2.0, January 2004
                        http://www.apache.org/licenses/
"""

GPL_3 = """                    GNU GENERAL PUBLIC LICENSE
                       Version 3, 29 June 2007

  13. Use with the GNU Affero General Public License.
  If this is what you want to do, use the GNU Lesser General Public License instead of this License.
"""

GPL_2 = "GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991\n"

LGPL_3 = "GNU LESSER GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n"

LGPL_21 = "GNU LESSER GENERAL PUBLIC LICENSE\n   Version 2.1, February 1999\n"

AGPL_3 = "GNU AFFERO GENERAL PUBLIC LICENSE\n  Version 3, 19 November 2007\nGNU General Public License\n"

GPL_3_NOTICE = """# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
"""

GPL_2_NOTICE = """ * This program is free software; you can redistribute it and/or modify
 * it under the terms of version 2 of the GNU General Public License.
"""

LGPL_NOTICE = """This library is free software; you can redistribute it and/or modify it under the
terms of the GNU Lesser General Public License as published by the Free Software Foundation; either
version 2.1 of the License, or (at your option) any later version."""

MPL_2 = "Mozilla Public License Version 2.0\n==================================\n\n1. Definitions\n"

MPL_2_NOTICE = """This Source Code Form is subject to the terms of the Mozilla Public
License, v. 2.0. If a copy of the MPL was not distributed with this file."""

PYTHON = f"""BEOPEN.COM LICENSE AGREEMENT FOR PYTHON 2.0
PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2
{HPND}
{ZERO_BSD}
"""

UNLICENSE = "This is free and unencumbered software released into the public domain."

COMMONS_CLAUSE = '"Commons Clause" License Condition v1.0'

PROPRIETARY = "Copyright Acme. All rights reserved. This software is proprietary."
