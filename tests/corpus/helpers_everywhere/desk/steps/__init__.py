from .mail import notify, notify_all
from .ticket import *
