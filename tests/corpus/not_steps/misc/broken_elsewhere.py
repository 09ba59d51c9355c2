"""No wiring in here: it is not read."""

def odd(workflow):
    return workflow.do("odd")
