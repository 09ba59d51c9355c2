from .workflows.publish import publish as publish
