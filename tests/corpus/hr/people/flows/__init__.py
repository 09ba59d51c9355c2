from people.flows import leaving, starting

__all__ = ["leaving", "starting"]
