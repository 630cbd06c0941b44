"""How long something took or takes, for people."""


def duration(seconds: float | None, digits: int = 1) -> str:
    """Write seconds as hours, minutes and seconds, of less than a minute with so many digits; a dash where they are not known."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{seconds:.{digits}f} s"
