from enum import Enum

SCORE = "score-{}"
FOLD = "fold-%d"
BAR = 0.8


class Stage(str, Enum):
    SPLIT = "split"
    BEST = "best"
    DEPLOY = "deploy-it"
