from . import media as media
from . import people as people
