"""What can go wrong with the store. Every message is for the person who asked, and holds no secret."""


class StoreError(Exception):
    """The database can't be used as it is: unreachable, corrupt, too new, or another master key's."""


class Refused(StoreError):
    """One operation can't be done as asked; the store itself is well."""


class NotFound(Refused):
    """There is no such thing."""


class Forbidden(Refused):
    """Who asks may not do that."""


class Invalid(Refused):
    """A value is wrong; the message starts with the name of its field."""


class Mismatch(Refused):
    """The same name stands for something else."""


class Stale(Refused):
    """It was changed since who asks has seen it."""


class Conflict(Refused):
    """It is there already."""
